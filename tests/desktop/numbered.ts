/**
 * Pictures that say which they are, 640x480.
 *
 * ```text
 * numbered.ts write FILE    64 of them, as raw YUYV
 * numbered.ts read FILE     what numbers raw YUYV has, one a line; status 1 where a picture is none of these
 * numbered.ts crc NUMBER    CRC-32 of one picture, a byte a pixel, 1 where it is light
 * ```
 *
 * In columns of the upper half are the number's bits, light where they are set; the lower half has the
 * opposite, so that a picture put together from two is seen.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";

const WIDTH = 640;
const HEIGHT = 480;
const BYTES = 2 * WIDTH * HEIGHT;
const COLUMNS = 16;
const PICTURES = 64;

/** Of limited range. */
const BLACK = 16;
const WHITE = 235;
const NO_COLOUR = 128;

/** Neighbours differ in many bits. */
const NUMBERS = Array.from({ length: PICTURES }, (_, i) => i * 0x9e37 & 0xffff);

const light = (number: number, x: number, y: number) =>
  (number >> Math.floor(x * COLUMNS / WIDTH) & 1) ^ (y < HEIGHT / 2 ? 0 : 1);

const lights = (number: number) =>
  Uint8Array.from(
    { length: WIDTH * HEIGHT },
    (_, i) => light(number, i % WIDTH, Math.floor(i / WIDTH)),
  );

function yuyv(number: number): Uint8Array<ArrayBuffer> {
  const picture = new Uint8Array(BYTES).fill(NO_COLOUR);
  lights(number).forEach((lit, i) => picture[2 * i] = lit ? WHITE : BLACK);
  return picture;
}

function write(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  for (const number of NUMBERS) file.writeSync(yuyv(number));
}

function read(path: string): void {
  const pictures = NUMBERS.map(yuyv);
  const bytes = Deno.readFileSync(path);
  for (let start = 0; start < bytes.length; start += BYTES) {
    const index = pictures.findIndex((one) =>
      Buffer.compare(one, bytes.subarray(start, start + BYTES)) === 0
    );
    if (index < 0) throw new Error(`picture ${start / BYTES} is none of these`);
    console.log(NUMBERS[index]);
  }
}

const verbs: Readonly<Record<string, (argument: string) => void>> = {
  write,
  read,
  crc: (number) => console.log(crc32(lights(Number(number))).toString(16).padStart(8, "0")),
};

const [verb = "", argument = ""] = Deno.args;
verbs[verb]!(argument);
