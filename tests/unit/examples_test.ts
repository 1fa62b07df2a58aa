import { assertEquals } from "@std/assert";
import { loadFfmpegWithFiles } from "../../lib/ffmpeg/abi/libraries.ts";
import { inNewFolder } from "./shell.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** What an example says where nothing is as it should be. */
const example = (line: string) =>
  inNewFolder(`example() {
      local name=$1 imports=; shift
      [ "$(cat '${ROOT}build/toolchain/network')" = open ] ||
        imports='--import-map=${ROOT}toolchain/offline/import_map.json'
      '${ROOT}toolchain/deno' run --no-check --allow-all $imports "${ROOT}examples/$name.ts" "$@"
    }
    ${line}; s=$?; ls; exit $s`);

function hasFfmpeg(): boolean {
  try {
    loadFfmpegWithFiles();
    return true;
  } catch {
    return false;
  }
}

async function isOneLine(line: string, says: string): Promise<void> {
  const { status, stdout, stderr } = await example(line);
  assertEquals([status, stdout, stderr.startsWith(says), stderr.split("\n").length], [
    ...[1, "", true, 2],
  ], `${line}: ${stderr}`);
}

Deno.test("examples: what is wrong is one line, and nothing is written", async () => {
  const missing = "No such file or directory (ENOENT)";
  for (
    const [line, says] of [
      ["example capture_pgm /dev/nothing a/b.pgm", `/dev/nothing: open: ${missing}`],
      ["example capture_pgm /dev/null a/b.pgm", "/dev/null: is not a V4L2 device"],
      ["example virtual_camera /dev/nothing", `/dev/nothing: open: ${missing}`],
      ["example virtual_camera /dev/nothing x", 'frames must be a number from 1, not "x"'],
    ]
  ) await isOneLine(line, says);
});

Deno.test("examples: a film that is not there, or no FFmpeg to read it, is one line", () =>
  isOneLine("example decode /dev/nothing no.ivf a/b.raw", hasFfmpeg() ? "no.ivf: " : "FFmpeg: "));
