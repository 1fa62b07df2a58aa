/**
 * Explicit fences never made it into the V4L2 interface. Should a header ever have them, this
 * project has to look at its synchronisation again: so their appearance is a failure.
 *
 * @module
 */
import { expect, Skip, type Suite } from "../../harness/suite.ts";

function existing(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    if (path === "") return false;
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** @param kernelHeader the running kernel's videodev2.h, where it is not below /lib/modules */
export async function fenceChecks(suite: Suite, kernelHeader: string): Promise<void> {
  const modules = `/lib/modules/${Deno.osRelease()}`;
  const sides: [name: string, paths: string[]][] = [
    ["C library's header", ["/usr/include/linux/videodev2.h"]],
    ["kernel's header", [
      kernelHeader,
      `${modules}/source/include/uapi/linux/videodev2.h`,
      `${modules}/build/include/uapi/linux/videodev2.h`,
    ]],
  ];
  for (const [name, paths] of sides) {
    await suite.check(`fence probe: ${name}`, () => {
      const [header] = existing(paths);
      if (header === undefined) throw new Skip(`none of ${paths.join(", ")}`);
      const text = Deno.readTextFileSync(header);
      const fences = text.match(/\bV4L2_BUF_FLAG_(IN|OUT)_FENCE\b|\bfence_fd\b/);
      expect(fences === null, `${header} now has ${fences?.[0]}: explicit synchronisation is here`);
      expect(/\brequest_fd\b/.test(text), `${header} has no request_fd`);
      return `${header} has request_fd, and neither fence flags nor fence_fd`;
    });
  }
}
