/**
 * Writing a page where a tool was told to.
 *
 * @module
 */
import { writeFile } from "../files/whole_file.ts";
import { refuseRunFile } from "./folder.ts";

/**
 * Writes a page.
 *
 * @param argument of the command line that named the file
 * @param folders that it is about
 * @throws {Error} in one line, where it cannot be written, or has the name of a run's file
 */
export function writePage(
  name: string,
  argument: string,
  html: string,
  folders: readonly string[],
): void {
  if (/\.(csv|json)$/.test(name)) throw new Error(`${name}: is a file of a run and no page`);
  for (const folder of folders) refuseRunFile(name, folder, "page");
  try {
    writeFile(name, html);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message} (${argument} may be another place)`, { cause: error });
  }
}
