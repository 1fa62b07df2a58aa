import { assertEquals, assertThrows } from "@std/assert";
import { refusals } from "../../daemon/pixel_functions/compare.ts";
import {
  KERNELS,
  loadKernels,
  VPIPE_KERNELS_VERSION,
} from "../../lib/ffmpeg/abi/pixel_functions.ts";
import { packReference } from "../harness/packing_reference.ts";

const SOURCES = new URL("../../daemon/pixel_functions/", import.meta.url).pathname;

const hasCompiler = (() => {
  try {
    return new Deno.Command("cc", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
})();

// What is loaded is for the life of a daemon.
const BUILT = { ignore: !hasCompiler, sanitizeResources: false };

/** Compiles a library, which stays loaded when its file is gone. */
function load(source: string) {
  const folder = Deno.makeTempDirSync({ prefix: "vpipe-kernels-" });
  try {
    const [input, output] = [`${folder}/kernels.c`, `${folder}/kernels.so`];
    Deno.writeTextFileSync(input, source);
    const args = ["-std=c11", "-O3", "-Wall", "-Werror", "-fPIC", "-shared", "-I", SOURCES];
    const { success, stderr } = new Deno.Command("cc", { args: [...args, "-o", output, input] })
      .outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return loadKernels(output);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const EXAMPLE = `#include "example.c"\n`;
const DECLARATION =
  `void vpipe_pack_nv12(const uint8_t *const from[3], const int32_t from_strides[3],
  uint8_t *const to[2], const int32_t to_strides[2], int32_t width, int32_t height)`;
const RIGHT = "right(from, from_strides, to, to_strides, width, height)";

/** The example with another function for NV12, which may call the example's as \`right\`. */
const instead = (body: string) => `
#define vpipe_pack_nv12 right
${EXAMPLE}
#undef vpipe_pack_nv12
${DECLARATION} { ${body} }`;

Deno.test({
  name: "kernels: the example packs and sums up every size as it should",
  ...BUILT,
  fn() {
    const kernels = load(EXAMPLE);
    assertEquals(Object.keys(kernels), [...KERNELS]);
    assertEquals([...refusals(kernels, packReference)], []);
  },
});

Deno.test({
  name: "kernels: a wrong one is found, and no other is refused for it",
  ...BUILT,
  fn() {
    const wrong: [string, string][] = [
      [";", "nv12 of 1x1, 2 bytes a line"],
      // The last column of chroma, the last line, the bytes between lines, what is before a plane.
      [RIGHT.replace("width,", "width & ~1,") + ";", "nv12 of 1x1, 2 bytes a line"],
      [RIGHT.replace("height", "height / 5 * 4 + height % 5") + ";", "nv12 of 1x5, 2 bytes a line"],
      [`${RIGHT}; to[0][to_strides[0] - 1] = 0;`, "nv12 of 1x1, 2 bytes a line"],
      [`${RIGHT}; to[0][-1] = 0;`, "nv12 of 1x1, 2 bytes a line"],
      [`${RIGHT}; if (width > 1920) to[1][7] ^= 1;`, "nv12 of 1921x1, 1922 bytes a line"],
    ];
    for (const [body, where] of wrong) {
      const reason = `differs from what is built in: ${where}`;
      assertEquals(
        [...refusals(load(instead(body)), packReference)],
        [["vpipe_pack_nv12", reason]],
        body,
      );
    }
  },
});

Deno.test({
  name: "kernels: a library may have some of them",
  ...BUILT,
  fn() {
    const kernels = load(`#define vpipe_pack_p010 another\n#define vpipe_crc32 third\n${EXAMPLE}`);
    assertEquals(Object.keys(kernels), ["vpipe_pack_nv12"]);
    assertEquals([...refusals(kernels, packReference).keys()], ["vpipe_pack_p010", "vpipe_crc32"]);
  },
});

Deno.test({
  name: "loadKernels: another version, and none",
  ...BUILT,
  fn() {
    const later = `#include "vpipe-kernels.h"\n#undef VPIPE_KERNELS_VERSION\n` +
      `#define VPIPE_KERNELS_VERSION ${VPIPE_KERNELS_VERSION + 1}\n${EXAMPLE}`;
    assertThrows(() => load(later), Error, "kernels.so: is of version 2, known is 1");
    assertThrows(() => load("int nothing;"), Error, "kernels.so: has no vpipe_kernels_version");
  },
});

Deno.test("loadKernels: what cannot be loaded, in the loader's words", () => {
  assertThrows(
    () => loadKernels("/nowhere/kernels.so"),
    Error,
    "/nowhere/kernels.so: cannot open shared object file: No such file or directory",
  );
  const source = `${SOURCES}example.c`;
  assertThrows(() => loadKernels(source), Error, `${source}: `);
});
