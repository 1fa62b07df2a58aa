/** meta-drain: its rows and what it says, of a device that is a pipe. */
import { assertEquals } from "@std/assert";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { drainMetadata } from "../../lib/frames/drain_metadata.ts";
import * as uapi from "../../lib/uapi/vpipe.ts";
import { fakeIoctl, on } from "./fake_ioctl.ts";

const { size } = uapi.vpipe_meta_entry;

/** What the tool says of entries, and what is in a CSV that had a line. */
async function drain(entries: readonly (readonly [seq: number, flags: number])[]) {
  const folder = Deno.makeTempDirSync();
  const [device, csv] = [`${folder}/meta`, `${folder}/rows.csv`];
  const bytes = new Uint8Array(entries.length * size);
  entries.forEach(([seq, flags], i) =>
    Object.assign(uapi.vpipe_meta_entry.at(bytes, i * size), { seq: BigInt(seq), flags })
  );
  await new Deno.Command("mkfifo", { args: [device] }).output();
  Deno.writeTextFileSync(csv, "an earlier run\n");
  using _answers = fakeIoctl(
    on(uapi.VPIPE_META_IOC_QUERY, uapi.vpipe_meta_info, (info) => {
      Object.assign(info, { version: 1, entry_size: size, ring_entries: 16 });
      return 0;
    }),
  );
  // Open for both, so that there is no end of the file.
  using pipe = Deno.openSync(device, { read: true, write: true });
  if (bytes.length > 0) pipe.writeSync(bytes);
  try {
    const settings = { device, csv, frames: Math.max(1, entries.length), stages: false };
    const { text, json, failure } = await drainMetadata(
      { ...settings, ready: false, timeout: 0.2 },
      { quiet: true, stop: { requested: false, listen() {} } as StopRequest, warn() {} },
    );
    const says = failure?.message.replace(folder, "") ?? text[0].replace(folder, "");
    const rows = Deno.readTextFileSync(csv).split("\n").map((row) => row.split(",")[0]);
    return { says, json: JSON.parse(JSON.stringify(json)), rows };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("meta-drain: the header comes with the first entry, without one the rows of before stay", async () => {
  const { says, rows } = await drain([]);
  assertEquals([says, rows], ["/meta: no entry within 0.2 s, after 0 of 1", [
    "an earlier run",
    "",
  ]]);
  assertEquals((await drain([[5, 0], [6, 0]])).rows, ["seq", "5", "6", ""]);
});

Deno.test("meta-drain: how many an overrun cost is told, before the first entry that nobody knows", async () => {
  const between = await drain([[5, 0], [9, 1]]);
  assertEquals(between.says, "/rows.csv: 2 entries, 1 overrun, 3 entries lost");
  assertEquals([between.json.overruns, between.json.lost], [1, 3]);
  const before = await drain([[5, 1], [6, 0]]);
  const unknown = "0 entries lost and an unknown number before the first";
  assertEquals(before.says, `/rows.csv: 2 entries, 1 overrun, ${unknown}`);
  assertEquals([before.json.overruns, "lost" in before.json], [1, false]);
});
