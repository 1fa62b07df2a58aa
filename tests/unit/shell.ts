/** What a shell line does in a new folder, which is gone afterwards. */
export async function inNewFolder(
  line: string,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const folder = Deno.makeTempDirSync();
  try {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", line],
      cwd: folder,
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { status: code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
