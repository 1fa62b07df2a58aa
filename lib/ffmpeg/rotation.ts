/**
 * Pictures that a file says are to be shown turned, as telephones record them.
 *
 * @module
 */
import {
  AV_PIX_FMT_FLAG_BITSTREAM,
  AV_PIX_FMT_FLAG_HWACCEL,
  AV_PIX_FMT_FLAG_PAL,
  AVCOMPONENTDESCRIPTOR,
  AVFRAME,
  AVPIXFMTDESCRIPTOR,
} from "./abi/avutil.ts";
import { Frame } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

/** How a picture is turned: its place `x`, `y` shows what was at `x`, `y`, exchanged and then mirrored. */
export interface Turn {
  /** Columns become lines. */
  readonly transposed: boolean;
  /** What was on the right comes first. */
  readonly fromRight: boolean;
  /** What was at the bottom comes first. */
  readonly fromBottom: boolean;
}

/**
 * What the ffmpeg command does with a display matrix, for quarters of a turn and mirrors; undefined for
 * none, and for angles between them.
 *
 * @param matrix nine numbers in 16.16, of which the last column is 2.30
 */
export function turnOf(matrix: Int32Array): Turn | undefined {
  const [a, b, , c, d] = matrix;
  const scale = [Math.hypot(a, c), Math.hypot(b, d)];
  if (scale[0] === 0 || scale[1] === 0) return undefined;
  const degrees = Math.atan2(b / scale[1], a / scale[0]) * 180 / Math.PI;
  const quarters = Math.round(degrees / 90);
  if (Math.abs(degrees - quarters * 90) >= 1) return undefined;
  const turn = QUARTERS[(quarters + 4) % 4](a, c, d);
  return turn.transposed || turn.fromRight || turn.fromBottom ? turn : undefined;
}

type Quarter = (a: number, c: number, d: number) => Turn;

/** Clockwise; a mirror on top of it shows in the signs. */
const QUARTERS: readonly Quarter[] = [
  (_a, _c, d) => ({ transposed: false, fromRight: false, fromBottom: d < 0 }),
  (_a, c) => ({ transposed: true, fromRight: false, fromBottom: c <= 0 }),
  (a, _c, d) => ({ transposed: false, fromRight: a < 0, fromBottom: d < 0 }),
  (_a, c) => ({ transposed: true, fromRight: true, fromBottom: c < 0 }),
];

/** One plane, as cells of the same size. */
interface CellPlane {
  readonly bytes: Uint8Array;
  /** From one line to the next. */
  readonly stride: number;
  /** In cells. */
  readonly width: number;
  readonly height: number;
}

/** Turns a plane whose cells have `size` bytes. */
export function turnPlane(from: CellPlane, to: CellPlane, size: number, turn: Turn): void {
  const { transposed, fromRight, fromBottom } = turn;
  const alongX = fromRight ? -size : size;
  const alongY = fromBottom ? -from.stride : from.stride;
  const start = (fromRight ? (from.width - 1) * size : 0) +
    (fromBottom ? (from.height - 1) * from.stride : 0);
  const [step, line] = transposed ? [alongY, alongX] : [alongX, alongY];
  for (let y = 0; y < to.height; y++) {
    let source = start + y * line;
    let target = y * to.stride;
    for (let x = 0; x < to.width; x++, source += step) {
      for (let byte = 0; byte < size; byte++) to.bytes[target++] = from.bytes[source + byte];
    }
  }
}

/** How a plane of a pixel format is made of cells. */
interface Cells {
  readonly size: number;
  readonly acrossShift: number;
  readonly downShift: number;
}

const POINTER_BYTES = 8;

/** Turns pictures of one size and format. */
export class Turner implements Disposable {
  readonly #cells: readonly Cells[];
  /** The last picture, turned. */
  readonly picture: Frame;

  /**
   * @param like one of the pictures
   * @throws {Error} the format's planes are not made of such cells, or no memory
   */
  constructor(ffmpeg: Ffmpeg, like: Frame, readonly turn: Turn) {
    this.#cells = cellsOf(ffmpeg, like.format, turn);
    this.picture = new Frame(ffmpeg);
    const { width, height } = like;
    const [across, down] = turn.transposed ? [height, width] : [width, height];
    try {
      this.picture.allocate(like.format, across, down);
    } catch (error) {
      this.picture[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether a picture is one of those that this turns. */
  fits({ width, height, format }: Frame): boolean {
    const { picture, turn } = this;
    const [across, down] = turn.transposed ? [height, width] : [width, height];
    return picture.width === across && picture.height === down && picture.format === format;
  }

  /** Turns a picture that fits. */
  apply(from: Frame): Frame {
    this.#cells.forEach((cells, plane) =>
      turnPlane(
        planeOf(from, plane, cells),
        planeOf(this.picture, plane, cells),
        cells.size,
        this.turn,
      )
    );
    return this.picture;
  }

  [Symbol.dispose](): void {
    this.picture[Symbol.dispose]();
  }
}

function planeOf(frame: Frame, plane: number, { acrossShift, downShift }: Cells): CellPlane {
  const view = new Deno.UnsafePointerView(frame.pointer);
  const data = view.getPointer(AVFRAME.data + plane * POINTER_BYTES)!;
  const stride = view.getInt32(AVFRAME.linesize + plane * 4);
  const width = -(-frame.width >> acrossShift);
  const height = -(-frame.height >> downShift);
  const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data, stride * height));
  return { bytes, stride, width, height };
}

/** @throws {Error} where samples of one plane are not alike, or turning would exchange their spacing */
function cellsOf(ffmpeg: Ffmpeg, format: number, { transposed }: Turn): Cells[] {
  const view = new Deno.UnsafePointerView(ffmpeg.avutil.av_pix_fmt_desc_get(format)!);
  const { nbComponents, log2ChromaW, log2ChromaH, comp, flags } = AVPIXFMTDESCRIPTOR;
  const [across, down] = [view.getUint8(log2ChromaW), view.getUint8(log2ChromaH)];
  const cells: Cells[] = [];
  let odd = transposed && across !== down || (view.getUint32(flags) & NO_CELLS) !== 0;
  for (let i = 0; i < view.getUint8(nbComponents); i++) {
    const at = comp + i * AVCOMPONENTDESCRIPTOR.bytes;
    const plane = view.getInt32(at + AVCOMPONENTDESCRIPTOR.plane);
    const size = view.getInt32(at + AVCOMPONENTDESCRIPTOR.step);
    const chroma = i === 1 || i === 2;
    const own = {
      size,
      acrossShift: chroma ? across : 0,
      downShift: chroma ? down : 0,
    };
    const other = cells[plane];
    odd ||= other !== undefined &&
      (other.size !== size || other.acrossShift !== own.acrossShift);
    cells[plane] = own;
  }
  if (odd) {
    const name = ffmpeg.avutil.av_get_pix_fmt_name(format);
    const text = name === null ? String(format) : Deno.UnsafePointerView.getCString(name);
    throw new Error(`is to be shown turned, which pictures of ${text} cannot be here`);
  }
  return cells;
}

const NO_CELLS = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL;
