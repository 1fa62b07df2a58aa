/**
 * What some read without the lock that it is written under, by READ_ONCE(), is written by WRITE_ONCE():
 * else it is a data race. By the names of the pointer and the member, as KCSAN finds what it happens to see.
 */
import { assertEquals } from "@std/assert";

const KMOD = new URL("../../kmod/", import.meta.url).pathname;

/** Nobody else has what they make yet. */
const MAKERS = ["inject_start", "vloop_formats_init", "vpdec_formats_init", "vpipe_meta_open"];

// Two names for a stream, and parts of a struct that are structs.
const plain = (code: string) =>
  code.replaceAll(/\bold->/g, "stream->").replaceAll(/\b(?:config|reader)\./g, "");

const MEMBER = String.raw`\b(\w+)->(\w+)(?:\[[^\]]*\])?`;

/** Writes that are not marked, of what others read so: function and place. */
function unmarked(sources: readonly string[]): string[] {
  const read = new Set<string>();
  for (const source of sources) {
    for (
      const [, pointer, member] of plain(source).matchAll(
        RegExp(`READ_ONCE\\([^;]*?${MEMBER}\\)`, "g"),
      )
    ) {
      read.add(`${pointer}->${member}`);
    }
  }
  const found: string[] = [];
  for (const source of sources) {
    let name = "";
    for (const line of plain(source).split("\n")) {
      name = line.match(/^[a-z][^;]*?(\w+)\(/)?.[1] ?? name;
      for (
        const [, pointer, member] of line.matchAll(
          RegExp(`${MEMBER}\\s*(?:=(?!=)|[-+|&]=|\\+\\+|--)`, "g"),
        )
      ) {
        const place = `${pointer}->${member}`;
        if (read.has(place) && !MAKERS.includes(name)) found.push(`${name}: ${place}`);
      }
    }
  }
  return found;
}

for (const folder of ["filter", "loop", "decoder"]) {
  Deno.test(`kmod/${folder}: what is read by READ_ONCE() is written by WRITE_ONCE()`, () => {
    const names = [...Deno.readDirSync(KMOD + folder)].map(({ name }) => name)
      .filter((name) => /\.[ch]$/.test(name)).sort();
    const sources = names.map((name) => Deno.readTextFileSync(`${KMOD}${folder}/${name}`));
    assertEquals(unmarked(sources), []);
  });
}

Deno.test("marked accesses: what counts as an unmarked write", () => {
  const source = `int f(struct s *s)
{
	WRITE_ONCE(s->a, 1);
	s->b = s->a == 2;
	s->list[1] |= 4;
	return READ_ONCE(s->a) + READ_ONCE(s->list[i]);
}

void g(struct s *old)
{
	s->a++;
	stream->over = true;
	if (READ_ONCE(old->over) == 1)
		return;
}
`;
  assertEquals(unmarked([source]), ["f: s->list", "g: s->a", "g: stream->over"]);
});
