import { assertEquals } from "@std/assert";
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

Deno.test("examples: what is wrong is one line, and nothing is written", async () => {
  const missing = "No such file or directory (ENOENT)";
  for (
    const [line, says] of [
      ["example capture_pgm /dev/nothing a/b.pgm", `/dev/nothing: open: ${missing}`],
      ["example capture_pgm /dev/null a/b.pgm", "/dev/null: is not a V4L2 device"],
      ["example virtual_camera /dev/nothing", `/dev/nothing: open: ${missing}`],
      ["example virtual_camera /dev/nothing x", 'frames must be a number from 1, not "x"'],
      ["example decode /dev/nothing no.ivf a/b.raw", "no.ivf: "],
    ]
  ) {
    const { status, stdout, stderr } = await example(line);
    assertEquals([status, stdout, stderr.startsWith(says), stderr.split("\n").length], [
      ...[1, "", true, 2],
    ], `${line}: ${stderr}`);
  }
});
