/**
 * Kernels: a shared library in place of this project's own work on pictures. What each function does
 * and has to keep to is in daemon/pixel_functions/vpipe-kernels.h.
 *
 * @module
 */

export const VPIPE_KERNELS_VERSION = 1;

const PACK = {
  parameters: ["pointer", "pointer", "buffer", "buffer", "i32", "i32"],
  result: "void",
  optional: true,
} as const;

const SYMBOLS = {
  vpipe_kernels_version: { parameters: [], result: "u32", optional: true },
  vpipe_pack_nv12: PACK,
  vpipe_pack_p010: PACK,
  vpipe_crc32: {
    parameters: ["u32", "buffer", "buffer", "i32", "i32", "i32"],
    result: "u32",
    optional: true,
  },
} as const;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The functions that a library may have, by their names in C. */
export const KERNELS = ["vpipe_pack_nv12", "vpipe_pack_p010", "vpipe_crc32"] as const;

export type KernelName = typeof KERNELS[number];

/** Those that are used; for the others there is what is built in. */
export type Kernels = { readonly [Name in KernelName]?: NonNullable<Symbols[Name]> };

/**
 * Loads a library of kernels, for the life of the process.
 *
 * @param path as dlopen(3) takes it: a name without a slash is looked for where libraries are
 * @param names the kernels wanted
 * @returns those of them that it has, unchecked
 * @throws {Error} it cannot be loaded, or is of another version
 */
export function loadKernels(path: string, names: readonly KernelName[] = KERNELS): Kernels {
  const { vpipe_kernels_version: version, ...symbols } = open(path);
  if (version === null) throw new Error(`${path}: has no vpipe_kernels_version`);
  if (version() !== VPIPE_KERNELS_VERSION) {
    throw new Error(`${path}: is of version ${version()}, known is ${VPIPE_KERNELS_VERSION}`);
  }
  const found = names.filter((name) => symbols[name] !== null);
  return Object.fromEntries(found.map((name) => [name, symbols[name]]));
}

function open(path: string): Symbols {
  try {
    return Deno.dlopen(path, SYMBOLS).symbols;
  } catch (error) {
    // Deno says "Could not open library: Could not open library: PATH: ...".
    throw new Error((error as Error).message.replace(/^(Could not open library: )+/, ""));
  }
}
