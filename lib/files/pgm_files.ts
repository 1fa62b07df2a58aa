/**
 * PGM images in files.
 *
 * @module
 */
import { FormatError, type GreyImage } from "../image/image.ts";
import { decodePgm, pgmHeader } from "../image/pgm.ts";
import { readFile, writeFile } from "./files.ts";

/**
 * Reads a PGM.
 *
 * @throws {SysError} where the file cannot be read
 * @throws {FormatError} naming the file, where it is not such an image
 */
export function readPgm(path: string): GreyImage {
  const bytes = readFile(path);
  try {
    return decodePgm(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`${path}: ${error.message}`);
    throw error;
  }
}

/**
 * Writes a PGM; folders on its path are made.
 *
 * @throws {SysError | Error} naming the file; of one that could not be written whole nothing is left
 */
export function writePgm(path: string, image: GreyImage): void {
  writeFile(path, pgmHeader(image), image.pixels);
}
