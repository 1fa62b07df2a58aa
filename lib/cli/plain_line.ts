/**
 * What a camera, a node or a file is called, in a line for a terminal.
 *
 * @module
 */

/** A line as it is shown, and never obeyed: names may hold line feeds and a terminal's commands. */
export function plainLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}
