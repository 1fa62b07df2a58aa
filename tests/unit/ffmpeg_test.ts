import { assert, assertEquals } from "@std/assert";
import { selftest } from "../../daemon/selftest.ts";
import { type Ffmpeg, loadFfmpeg } from "../../lib/ffmpeg/libraries.ts";
import { planes } from "../../lib/ffmpeg/packer.ts";

/** This machine's FFmpeg, or why there is none. */
function find(): Ffmpeg | string {
  try {
    return loadFfmpeg();
  } catch (error) {
    return (error as Error).message;
  }
}

const found = find();

Deno.test({
  name: "loadFfmpeg: without one, the releases that would do",
  ignore: typeof found !== "string",
  fn: () => assert(/^FFmpeg: .*known are FFmpeg \d+ \(libavcodec.so.\d+\), /.test(String(found))),
});

Deno.test({
  name: "selftest: this machine's FFmpeg packs as it should",
  ignore: typeof found === "string",
  fn() {
    const { status, json } = selftest();
    assertEquals(status, 0);
    assertEquals(json.packing, true);
  },
});

Deno.test("planes: four addresses, as sws_scale wants them", () => {
  const bytes = planes(2 ** 46 + 1, 2 ** 46 + 2);
  assertEquals([...new BigUint64Array(bytes.buffer)], [2n ** 46n + 1n, 2n ** 46n + 2n, 0n, 0n]);
});
