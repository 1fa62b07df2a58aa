/**
 * loop-ctl: nodes listed, added, deleted, asked, and given an image, and what it says of what cannot be.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { pixelFormat } from "../../../lib/image/pixel_format.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { expectError } from "../../harness/expectations.ts";
import { exists } from "../../harness/modules.ts";
import { loop, loopNode } from "../../harness/nodes.ts";
import { run } from "../../harness/processes.ts";
import { type Refusal, refusalChecks } from "../../harness/refusals.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { setFormat } from "./calls.ts";
import { expectBytes, numbered, openOutput, Reader, VGA_BYTES, Writer } from "./client.ts";
import { loadLoop } from "./module.ts";

const TOOL = "loop-ctl";
const NODE = "/dev/video77";

const DESCRIBED = {
  device: NODE,
  name: "By loop-ctl",
  exclusive_caps: true,
  min_width: 32,
  max_width: 320,
  min_height: 16,
  max_height: 240,
  max_buffers: 6,
  max_openers: 2,
  log: 1,
};

const ADD = [
  ...["add", "77", "--name", "By loop-ctl", "--exclusive-caps", "--min-width", "32"],
  ...["--max-width", "320", "--min-height", "16", "--max-height", "240"],
  ...["--max-buffers", "6", "--max-openers", "2", "--log", "1"],
];

/** A picture in one of the formats that are a line of text and samples: PGM or PPM. */
function netpbm(file: string, kind: "P5" | "P6", size: string, samples: Uint8Array): string {
  const header = new TextEncoder().encode(`${kind} ${size} 255\n`);
  Deno.writeFileSync(file, new Uint8Array([...header, ...samples]));
  return file;
}

/** Until `picture` comes there may be more of what was there before. */
function reach(reader: Reader, picture: Uint8Array, before: Uint8Array): void {
  let { bytes } = reader.take();
  while (Buffer.compare(bytes, picture) !== 0) {
    expectBytes("what was there before", bytes, before);
    ({ bytes } = reader.take());
  }
}

/** White, of 64x48; noise, of VGA in grey; and a file that is no picture. */
function makeImages({ scratch }: Context) {
  const none = `${scratch}/none.jpg`;
  Deno.writeTextFileSync(none, "no picture\n");
  return {
    white: netpbm(`${scratch}/white.ppm`, "P6", "64 48", new Uint8Array(64 * 48 * 3).fill(255)),
    noise: netpbm(`${scratch}/noise.pgm`, "P5", "640 480", numbered(31)),
    none,
  };
}

type Images = ReturnType<typeof makeImages>;

/** With `compat=1`, a node of number 77, and no other driver's of 78. */
function refusals(other: string, images: Images): Refusal[] {
  const rows: [name: string, status: number, message: string, args: string[]][] = [
    ["a number taken", 1, `${NODE}: V4L2LOOPBACK_CTL_ADD: File exists (EEXIST): the`, [
      "add",
      "77",
    ]],
    ["another driver's number", 1, `${other}: V4L2LOOPBACK_CTL_ADD: File exists`, ["add", other]],
    ["a node that is not there", 1, "no loopback node, loop-ctl list says", ["delete", "78"]],
    ["another driver's node", 1, "no loopback node, loop-ctl list says", ["query", other]],
    ["counters of no node", 1, "(ENOENT): no node of vpipe-loop", ["stats", "78"]],
    ["a name too long", 2, "--name is 32 bytes long, at most 31 fit", [
      ...["add", "--name", "é".repeat(16)],
    ]],
    ["min above max", 2, "--min-width 641 is above --max-width 640", [
      ...["add", "--min-width", "641", "--max-width", "640"],
    ]],
    ["min above the module's", 1, "(EINVAL): a smallest size is above the module's max_width", [
      ...["add", "--min-width", "801"],
    ]],
    ["a number beyond the last", 2, "N must be a whole number from 0 to 255", ["add", "256"]],
    ["a size beyond the largest", 2, "--max-width must be a whole", ["add", "--max-width", "8193"]],
    ["no number", 2, "N is missing: delete which node?", ["delete"]],
    ["list of one node", 2, "list takes no N", ["list", "77"]],
    ["no image", 2, "IMAGE is missing: which picture?", ["still", "77"]],
    ["an image of another command", 2, "IMAGE is for still, not for query", [
      "query",
      "77",
      "x.png",
    ]],
    ["an image of no node", 1, "/dev/video78: open: No such file or directory (ENOENT): no loop", [
      ...["still", "78", images.white],
    ]],
    ["an image of a camera", 1, "(EINVAL): no loopback node", ["still", other, images.white]],
    ["an image that is not there", 1, "/none.png: ", ["still", "77", "/none.png"]],
    ["an image that is none", 1, `${images.none}: `, ["still", "77", images.none]],
    ["a time-out of 0", 2, "--timeout must be a whole number from 1 to 100000", [
      ...["still", "77", images.white, "--timeout", "0"],
    ]],
    ["options of still", 2, "--timeout is for still, not for add", ["add", "--timeout", "1"]],
    ["options of add", 2, "--name is for add, not for query", ["query", "77", "--name", "x"]],
    ["another command", 2, "COMMAND must be list or add or", ["remove", "77"]],
  ];
  return rows.map(([name, status, message, args]) => ({ name, tool: TOOL, status, message, args }));
}

export async function loopCtlChecks(suite: Suite, context: Context): Promise<void> {
  const call = async (...args: string[]) => (await context.run(TOOL, ...args)).trimEnd();
  const refused = async (message: string, ...args: string[]) =>
    expectError(await run(context.tool(TOOL), args), TOOL, 1, message);

  await suite.check("loop-ctl: add, list, query, delete", async () => {
    await loadLoop(context, "compat=1", "max_width=800", "max_height=600");
    const first = loopNode();
    const before = await call("list");
    expectEqual("list", before, `${first}  vpipe loopback 0  (1x1 to 800x600, 8 buffers)`);
    expectEqual("add", await call(...ADD), NODE);
    expectEqual("node", loopNode("By loop-ctl"), NODE);
    expectEqual("query", await call("query", NODE, "--json"), JSON.stringify(DESCRIBED));
    const lines = Object.entries(DESCRIBED).map(([name, value]) => `${name} ${value}`);
    expectEqual("query in words", await call("query", "77"), lines.join("\n"));
    const { nodes } = JSON.parse(await call("list", "--json"));
    expectEqual("nodes", nodes.length, 2);
    expect(
      nodes.some((node: unknown) => JSON.stringify(node) === JSON.stringify(DESCRIBED)),
      `list: ${JSON.stringify(nodes)}`,
    );
    const other = await call("add");
    expectEqual(
      "its name",
      JSON.parse(await call("query", other, "--json")).name,
      "vpipe loopback 2",
    );
    {
      using _open = openOutput(other);
      await refused(
        `${other}: V4L2LOOPBACK_CTL_REMOVE: Device or resource busy (EBUSY): somebody has`,
        "delete",
        other,
      );
    }
    for (const node of [other, NODE]) {
      expectEqual("delete", await call("delete", node), `${node}: deleted`);
      expect(!exists(node), `${node} is there, deleted`);
    }
    expectEqual("list at the end", await call("list"), before);
    return "with limits of its own or the module's; EBUSY while it is open";
  });

  await suite.check("loop-ctl: stats", async () => {
    const node = await call("add");
    {
      using writer = new Writer(node, "write");
      using reader = new Reader(node, "read");
      for (let i = 0; i < 3; i++) {
        writer.write(numbered(i));
        reader.expectFrame(`frame ${i}`, i, numbered(i));
      }
      const { device, frames, readers, writer: writers, lost } = JSON.parse(
        await call("stats", node, "--json"),
      );
      const told = [device, frames, readers, writers, lost].join(" ");
      expectEqual("device, frames, readers, writer, lost", told, `${node} 3 1 1 0`);
    }
    const user = ["--reuid=4343", "--regid=4343", "--clear-groups"];
    const other = await run("setpriv", [...user, context.tool(TOOL), "stats", node]);
    expectError(other, TOOL, 1, "(EACCES): it is root's");
    const text = await call("stats", node);
    expect(/^frames 3\n(.*\n)*readers 0\nwriter 0$/.test(text), `stats: ${text}`);
    await call("delete", node);
    return "3 frames, a reader and a writer; then none of either";
  });

  const images = makeImages(context);
  await suite.check("loop-ctl: still", async () => {
    const node = await call("add", "77", "--exclusive-caps");
    const shown = { format: "YUYV", width: 64, height: 48, timeout: 1000 };
    const told = await call("still", node, images.white, "--json");
    expectEqual("told", told, JSON.stringify({ device: node, ...shown }));
    const line = `${node}: 64x48 YUYV, after 40 ms without a frame`;
    expectEqual("told", await call("still", "77", images.white, "--timeout", "40"), line);
    const black = new Uint8Array(VGA_BYTES).fill(16);
    const white = Uint8Array.from({ length: 64 * 48 * 2 }, (_, i) => i % 2 === 0 ? 235 : 128);
    {
      using writer = new Writer(node, "mmap", { format: pixelFormat("yuyv"), size: [64, 48] });
      writer.write(new Uint8Array(white.length));
      // Without a writer an exclusive node is no camera, but to who reads already.
      using reader = new Reader(node, "read");
      writer.close();
      reach(reader, white, new Uint8Array(white.length));
    }
    {
      using writer = new Writer(node, "mmap");
      writer.write(numbered(1));
      using reader = new Reader(node, "read");
      const grey = `${node}: 640x480 GREY, after 40 ms without a frame`;
      expectEqual("beside a writer", await call("still", "77", images.noise), grey);
      writer.write(numbered(1));
      reach(reader, numbered(1), black);
      reach(reader, numbered(31), numbered(1));
      expectEqual("scaled", await call("still", "77", images.white), grey);
      reach(reader, new Uint8Array(VGA_BYTES).fill(255), numbered(31));
    }
    {
      using device = openOutput(node);
      const { V4L2_BUF_TYPE_VIDEO_OUTPUT: output, V4L2_PIX_FMT_MJPEG: pixelformat } = v4l2;
      setFormat(device, output, { width: 64, height: 48, pixelformat });
      await refused(
        `${images.white}: no conversion to MJPG; there is`,
        "still",
        "77",
        images.white,
      );
    }
    {
      using writer = new Writer(node, "mmap");
      writer.write(numbered(2));
      using reader = new Reader(node, "read");
      writer.write(numbered(3));
      reach(reader, numbered(3), black);
    }
    await call("delete", node);
    return "in its own size, or beside a writer in the writer's; who comes next is a writer";
  });

  await call("add", "77");
  const filter = loopNode("vpipe");
  await refusalChecks(suite, context, "loop-ctl, bad input", refusals(filter, images));
  await call("delete", "77");

  await suite.check("loop-ctl, bad input: compat=1 not given, no module", async () => {
    await loadLoop(context);
    const none = "/dev/v4l2loopback: open: No such file or directory (ENOENT): ";
    await refused(`${none}vpipe-loop is loaded without compat=1`, "list");
    expect((await call("stats", loopNode())).startsWith("frames 0\n"), "stats without compat=1");
    const still = await call("still", loopNode(), images.white);
    expect(still.endsWith(" 64x48 YUYV, after 1000 ms without a frame"), `still: ${still}`);
    await loop.unload();
    await refused(`${none}the module is not loaded: modprobe vpipe-loop compat=1`, "add");
    await refused("vpipe-loop is not loaded, or debugfs not mounted", "stats", "0");
    return "each in one line, with what to do";
  });
}
