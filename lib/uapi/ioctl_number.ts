/**
 * ioctl request numbers.
 *
 * @module
 */

// asm-generic/ioctl.h: 8 bits number, 8 bits type, 14 bits size, 2 bits direction. x86 and ARM
// use the generic layout; Deno runs on no other.
const WRITE = 1;
const READ = 2;

function request(direction: number, type: string | number, nr: number, size: number): number {
  const magic = typeof type === "string" ? type.charCodeAt(0) : type;
  return ((direction << 30) | (size << 16) | (magic << 8) | nr) >>> 0;
}

/** Request number of an ioctl without argument. */
export const _IO = (type: string | number, nr: number): number => request(0, type, nr, 0);
/** Request number of an ioctl that fills `size` bytes. */
export const _IOR = (type: string | number, nr: number, size: number): number =>
  request(READ, type, nr, size);
/** Request number of an ioctl that reads `size` bytes. */
export const _IOW = (type: string | number, nr: number, size: number): number =>
  request(WRITE, type, nr, size);
/** Request number of an ioctl that reads and fills `size` bytes. */
export const _IOWR = (type: string | number, nr: number, size: number): number =>
  request(READ | WRITE, type, nr, size);

/** An ioctl's name, for error messages, beside its request number. */
export interface Ioctl {
  /** As C has it: `VIDIOC_QBUF`. */
  readonly name: string;
  /** What the second argument of ioctl(2) is; below 2^32, never negative. */
  readonly request: number;
}
