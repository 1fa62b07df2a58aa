/**
 * PGM images in files.
 *
 * @module
 */
import { FormatError, type GreyImage } from "../image/image.ts";
import { decodePgm, MAX_SIDE, pgmHeader } from "../image/pgm.ts";
import { readBeginning } from "./files.ts";
import { writeFile } from "./whole_file.ts";

/** Of a PGM: the largest image, behind a header with comments. */
const LARGEST = MAX_SIDE * MAX_SIDE + (1 << 16);

/**
 * Reads a PGM.
 *
 * @throws {SysError} where the file cannot be read
 * @throws {FormatError} naming the file, where it is not such an image
 */
export function readPgm(path: string): GreyImage {
  const bytes = readBeginning(path, LARGEST);
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
