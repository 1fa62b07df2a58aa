/**
 * Checks of the library itself, in the binary that is about to judge the kernel with it.
 *
 * @module
 */
import { crc32 } from "../../lib/image/crc32.ts";
import { randomBytes } from "../../lib/image/patterns.ts";
import { decodePgm, encodePgm } from "../../lib/image/pgm.ts";
import { threshold } from "../../lib/image/threshold.ts";
import { expectEqual, type Suite } from "../harness/suite.ts";

export async function unitChecks(suite: Suite): Promise<void> {
  await suite.check("unit: CRC-32", () => {
    const crc = crc32(new TextEncoder().encode("123456789"));
    expectEqual("CRC of 123456789", crc, ~0xcbf43926 >>> 0);
    return "CRC of 123456789 is the catalogue's cbf43926, not inverted";
  });
  await suite.check("unit: PGM", () => {
    const pixels = randomBytes(641 * 3);
    const back = decodePgm(encodePgm({ width: 641, height: 3, pixels }));
    expectEqual("size", `${back.width}x${back.height}`, "641x3");
    expectEqual("CRC of the pixels", crc32(back.pixels), crc32(pixels));
    return "641x3 noise comes back from encode and decode unchanged";
  });
  await suite.check("unit: threshold reference", () => {
    const pixels = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let level = 0; level < 256; level++) {
      const { image, white, black } = threshold({ width: 16, height: 16, pixels }, level);
      expectEqual(`white pixels at ${level}`, white, 255 - level);
      expectEqual(`black pixels at ${level}`, black, level + 1);
      expectEqual(`pixel ${level} at ${level}`, image.pixels[level], 0);
    }
    return "all 256 levels on all 256 pixels";
  });
}
