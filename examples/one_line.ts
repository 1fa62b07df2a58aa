/**
 * How an example ends where something is wrong: with one line on stderr and status 1.
 *
 * @module
 */

/** Runs what an example does. The library's errors name file or device, call and errno themselves. */
export async function inOneLine(example: () => void | Promise<void>): Promise<void> {
  try {
    await example();
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
