/**
 * Finding video nodes by the name their driver gave them.
 *
 * @module
 */

const CLASS = "/sys/class/video4linux";

/** A registered video node: `/dev/video3` and the name in sysfs. */
export interface VideoNode {
  readonly path: string;
  readonly name: string;
}

/** All video nodes, lowest number first; none where the kernel has no V4L2. */
export function videoNodes(): VideoNode[] {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(CLASS)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return entries
    .filter(({ name }) => /^video\d+$/.test(name))
    .sort((a, b) => Number(a.name.slice(5)) - Number(b.name.slice(5)))
    .map(({ name }) => ({
      path: `/dev/${name}`,
      name: Deno.readTextFileSync(`${CLASS}/${name}/name`).trim(),
    }));
}
