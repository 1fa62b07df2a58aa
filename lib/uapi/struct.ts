/**
 * C structs over a preallocated buffer. A struct is declared once, with its size and the offset of
 * each field; `tests/abi` compares every one of them with the C compiler's. A view's properties
 * read and write the bytes in place: no copy, and no allocation but for the view itself.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const timeval = struct("struct timeval", 16, { sec: n64(0, "tv_sec"), usec: n64(8, "tv_usec") });
 * const time = timeval.alloc({ sec: 12 });
 * time.usec = 500_000;
 * // What a system call takes, and gives back.
 * const bytes = time.bytes;
 * assertEquals(new BigUint64Array(bytes.buffer), BigUint64Array.of(12n, 500_000n));
 * assertEquals(timeval.at(bytes).usec, 500_000);
 * ```
 *
 * @module
 */

/** How one field lies in its struct, and how it is read and written. */
export interface Field<T> {
  /** Offset in bytes from the start of the struct. */
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
  /** The field in C: `fmt.pix.width`. Undefined where it is the property's own name. */
  readonly c?: string;
  /** Reads the field of the struct that `data` is of; `at` is where in it, in bytes. */
  readonly get: (data: DataView<ArrayBuffer>, at: number) => T;
  /** Writes it, as `get` reads it; of an integer, the bits that fit. */
  readonly set: (data: DataView<ArrayBuffer>, at: number, value: T) => void;
}

/** How a field is declared: where it lies, and what it is called in C. */
export type Make<T> = (offset: number, c?: string) => Field<T>;

function scalar<T>(size: number, get: Field<T>["get"], set: Field<T>["set"]): Make<T> {
  return (offset, c) => ({ offset, size, c, get, set });
}

/** `__u8` */
export const u8: Make<number> = scalar(
  1,
  (d, at) => d.getUint8(at),
  (d, at, v) => d.setUint8(at, v),
);
/** `__s8` */
export const s8: Make<number> = scalar(1, (d, at) => d.getInt8(at), (d, at, v) => d.setInt8(at, v));
/** `__u16` */
export const u16: Make<number> = scalar(
  2,
  (d, at) => d.getUint16(at, true),
  (d, at, v) => d.setUint16(at, v, true),
);
/** `short` */
export const s16: Make<number> = scalar(
  2,
  (d, at) => d.getInt16(at, true),
  (d, at, v) => d.setInt16(at, v, true),
);
/** `__u32` */
export const u32: Make<number> = scalar(
  4,
  (d, at) => d.getUint32(at, true),
  (d, at, v) => d.setUint32(at, v, true),
);
/** `__s32` */
export const s32: Make<number> = scalar(
  4,
  (d, at) => d.getInt32(at, true),
  (d, at, v) => d.setInt32(at, v, true),
);
/** `__u64` as a bigint: exact, and not for a frame loop. */
export const u64: Make<bigint> = scalar(
  8,
  (d, at) => d.getBigUint64(at, true),
  (d, at, v) => d.setBigUint64(at, v, true),
);
/** `__s64` as a bigint. */
export const s64: Make<bigint> = scalar(
  8,
  (d, at) => d.getBigInt64(at, true),
  (d, at, v) => d.setBigInt64(at, v, true),
);
/** A 64-bit field that holds 0 to 2^53-1 (a length, seconds, a count), as a number. */
export const n64: Make<number> = scalar(
  8,
  (d, at) => d.getUint32(at, true) + d.getUint32(at + 4, true) * 0x1_0000_0000,
  (d, at, v) => {
    d.setUint32(at, v >>> 0, true);
    d.setUint32(at + 4, Math.floor(v / 0x1_0000_0000), true);
  },
);

/** `char[size]` or `__u8[size]`: text up to the first NUL. */
export function text(offset: number, size: number, c?: string): Field<string> {
  return {
    offset,
    size,
    c,
    get(data, at) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset + at, size);
      const end = bytes.indexOf(0);
      return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    },
    set(data, at, value) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset + at, size);
      bytes.fill(0);
      new TextEncoder().encodeInto(value, bytes.subarray(0, size - 1));
    },
  };
}

/**
 * An array of `count` numbers. Reading makes an array of them; writing fewer sets the rest to 0.
 *
 * @param element what makes one: `u8`
 */
export function array(element: Make<number>, count: number): Make<readonly number[]> {
  const { size } = element(0);
  const fields = Array.from({ length: count }, (_, i) => element(i * size));
  return (offset, c) => ({
    offset,
    size: size * count,
    c,
    get: (data, at) => fields.map((field) => field.get(data, at + field.offset)),
    set: (data, at, values) =>
      fields.forEach((field, i) => field.set(data, at + field.offset, values[i] ?? 0)),
  });
}

/** The fields of a struct, by property name. */
// deno-lint-ignore no-explicit-any
export type Fields = Record<string, Field<any>>;

/** Fields of one type, by their names: how an exported struct spells its type out. */
export type FieldsOf<T, Names extends string> = { readonly [name in Names]: Field<T> };

/** The fields of a struct that is itself the first member, named `member`, of another. */
export function embedded<F extends Fields>(member: string, fields: F): F {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      { ...field, c: `${member}.${field.c ?? name}` },
    ]),
  ) as F;
}

/** No name, as there are fields of any. */
const DATA = Symbol();

/** A struct's bytes, and a property for each field. */
export type View<F extends Fields> =
  & { readonly bytes: Uint8Array<ArrayBuffer> }
  & { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A declared C struct. */
export interface StructType<F extends Fields> {
  /** The type in C: `struct v4l2_buffer`. */
  readonly c: string;
  /** sizeof, in bytes. */
  readonly size: number;
  /** Its fields, by property name: for a struct that has them too, or a test against the header. */
  readonly fields: F;
  /** A zeroed struct of its own, with these fields set. */
  alloc(values?: Partial<View<F>>): View<F>;
  /** A view of the struct that lies at `offset` in `bytes`; writes go there. */
  at(bytes: Uint8Array<ArrayBuffer>, offset?: number): View<F>;
}

/**
 * Declares a C struct.
 *
 * @param c the type in C
 * @param size its sizeof, in bytes
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const fract = struct("struct v4l2_fract", 8, { numerator: u32(0), denominator: u32(4) });
 * const array = new Uint8Array(2 * fract.size);
 * const second = fract.at(array, fract.size);
 * second.denominator = 25;
 * assertEquals(array[12], 25);
 * ```
 */
export function struct<const F extends Fields>(c: string, size: number, fields: F): StructType<F> {
  class StructView {
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly [DATA]: DataView<ArrayBuffer>;
    constructor(bytes: Uint8Array<ArrayBuffer>) {
      this.bytes = bytes;
      this[DATA] = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
  }
  for (const [name, { offset, get, set }] of Object.entries(fields)) {
    Object.defineProperty(StructView.prototype, name, {
      enumerable: true,
      get(this: StructView) {
        return get(this[DATA], offset);
      },
      set(this: StructView, value) {
        set(this[DATA], offset, value);
      },
    });
  }
  const view = (bytes: Uint8Array<ArrayBuffer>) => new StructView(bytes) as unknown as View<F>;
  return {
    c,
    size,
    fields,
    alloc: (values) => Object.assign(view(new Uint8Array(size)), values),
    at: (bytes, offset = 0) => view(bytes.subarray(offset, offset + size)),
  };
}
