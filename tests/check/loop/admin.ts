/**
 * The loopback module to programs that know v4l2loopback: its names, and nodes that are made and
 * removed by /dev/v4l2loopback.
 *
 * @module
 */
import { EBUSY, EEXIST, EFAULT, EINVAL, ENODEV, ENOENT, ENOTTY } from "../../../lib/sys/errno.ts";
import { _IOW } from "../../../lib/uapi/ioctl_number.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import * as ctl from "../../../lib/uapi/vpipe_loop_ctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { LOOP_ADMIN, LoopAdmin, type LoopConfig } from "../../../lib/vpipe/loop_admin.ts";
import type { Context } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { GENERATIONS } from "../../harness/loop_admin.ts";
import { exists, Module } from "../../harness/modules.ts";
import { loop, loopNode } from "../../harness/nodes.ts";
import { kernelLog } from "../../harness/kernel_log.ts";
import { succeed } from "../../harness/processes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { numbered, openOutput, Reader, Writer } from "./client.ts";
import { loadLoop, tryLoadLoop } from "./module.ts";

const FREE = 77;

const nodes = () => videoNodes().map(({ path, name }) => `${path} ${name}`).sort().join("; ");

/** The bytes of a section of an ELF file of 64 bits and the lesser end first, in place. */
function section(file: Uint8Array<ArrayBuffer>, wanted: string): Uint8Array {
  const view = new DataView(file.buffer);
  const [headers, size] = [Number(view.getBigUint64(0x28, true)), view.getUint16(0x3a, true)];
  const bytesOf = (index: number) => {
    const at = headers + index * size;
    const [offset, length] = [0x18, 0x20].map((field) =>
      Number(view.getBigUint64(at + field, true))
    );
    return file.subarray(offset, offset + length);
  };
  const nameOf = (index: number) => {
    const name = names.subarray(view.getUint32(headers + index * size, true));
    return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
  };
  const names = bytesOf(view.getUint16(0x3e, true));
  const count = view.getUint16(0x3c, true);
  const index = Array.from({ length: count }, (_, i) => i).find((i) => nameOf(i) === wanted);
  expect(index !== undefined, `no section ${wanted}`);
  return bytesOf(index);
}

/** The module under the name of v4l2loopback, as lsmod(8) has it. */
function renamed(module: string): Uint8Array {
  const bytes = Deno.readFileSync(module);
  const self = section(bytes, ".gnu.linkonce.this_module");
  const name = new TextEncoder().encode("vpipe_loop\0");
  const at = self.findIndex((_, i) => name.every((byte, j) => self[i + j] === byte));
  expect(at >= 0, `${module}: struct module has another name`);
  self.set(new TextEncoder().encode("v4l2loopback"), at);
  return bytes;
}

function generationCheck(admin: LoopAdmin): void {
  const nr = admin.add({
    output_nr: FREE,
    card_label: "Added",
    min_width: 32,
    max_width: 320,
    min_height: 16,
    max_height: 240,
    max_buffers: 6,
    max_openers: 2,
    announce_all_caps: 1,
  });
  expectEqual("number", nr, FREE);
  const node = loopNode("Added");
  expectEqual("node", node, `/dev/video${FREE}`);
  const { result, config } = admin.query(FREE);
  expectEqual("query", result, 0);
  const told = JSON.stringify([
    ...[config.output_nr, config.card_label, config.min_width, config.max_width],
    ...[config.min_height, config.max_height, config.max_buffers, config.max_openers],
    ...[config.debug, config.announce_all_caps],
  ]);
  expectEqual("what it is", told, '[77,"Added",32,320,16,240,6,2,0,1]');
  {
    using output = openOutput(node);
    for (const [side, offered] of [[8192, "320x240"], [1, "32x16"]] as const) {
      let refused = "";
      try {
        const pixelformat = v4l2.V4L2_PIX_FMT_GREY;
        const wanted = { width: side, height: side, pixelformat };
        output.setFormat(v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT, wanted);
      } catch (error) {
        refused = (error as Error).message;
      }
      expect(refused.endsWith(`the device offers ${offered} GREY`), `${side}: "${refused}"`);
    }
    using _second = openOutput(node);
    expectEqual("a third file", errnoOf(() => openOutput(node).close()), EBUSY);
    expectEqual("remove, while it is open", admin.remove(FREE), -EBUSY);
    expectEqual("add, where there is one", admin.add({ output_nr: FREE }), -EEXIST);
  }
  expectEqual("remove", admin.remove(FREE), 0);
  expectEqual("open, removed", errnoOf(() => openOutput(node).close()), ENOENT);
  expectEqual("remove again", admin.remove(FREE), -ENODEV);
  expectEqual("query, removed", admin.query(FREE).result, -ENODEV);
}

export async function loopAdminChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("loop: v4l2loopback's names", async () => {
    await loadLoop(context);
    expect(!exists(LOOP_ADMIN), `${LOOP_ADMIN} without compat=1`);
    const aliases = await succeed("modinfo", ["-F", "alias", context.loopModule]);
    expectEqual("alias", aliases.trim(), "v4l2loopback");
    await loadLoop(context, "compat=1", "max_buffers=2", "max_width=800", "max_height=600");
    using device = VideoDevice.open(loopNode(), 0, "device");
    expectEqual("driver", device.driver, "v4l2 loopback");
    expectEqual("mode", (Deno.statSync(LOOP_ADMIN).mode! & 0o777).toString(8), "600");
    using admin = new LoopAdmin();
    const { config } = admin.query(Number(loopNode().replace("/dev/video", "")));
    expectEqual("buffers", config.max_buffers, 4);
    expectEqual("size", `${config.max_width}x${config.max_height}`, "800x600");
    return 'alias v4l2loopback; with compat=1 the driver is "v4l2 loopback"';
  });

  await suite.check("loop: compat=1 beside v4l2loopback", async () => {
    await loop.unload();
    const file = `${context.scratch}/v4l2loopback.ko`;
    Deno.writeFileSync(file, renamed(context.loopModule));
    const other = new Module("v4l2loopback");
    await other.load(file);
    try {
      const logged = kernelLog();
      const { status, stderr } = await tryLoadLoop(context, "compat=1");
      expect(status !== 0 && stderr.includes("busy"), `compat=1: ${status}, ${stderr.trim()}`);
      const log = await logged();
      const line = "vpipe_loop: compat=1: v4l2loopback itself is loaded";
      expect(log.includes(line), `the kernel log has ${log}`);
      await loadLoop(context);
      return "refused with EBUSY, and the kernel log says why; without compat both are there";
    } finally {
      if (loop.isLoaded()) await loop.unload();
      if (other.isLoaded()) await other.unload();
      Deno.removeSync(file);
    }
  });

  await suite.check("loop: nodes added and removed", async () => {
    await loadLoop(context, "compat=1");
    const before = nodes();
    for (const calls of Object.values(GENERATIONS)) {
      using admin = new LoopAdmin(calls);
      generationCheck(admin);
      const nr = admin.call(calls.add, 0);
      expect(nr >= 0, `a node by NULL: ${nr}`);
      const node = `/dev/video${nr}`;
      expectEqual("its label", admin.query(nr).config.card_label, "vpipe loopback 1");
      {
        using writer = new Writer(node, "mmap");
        using reader = new Reader(node, "mmap");
        writer.write(numbered(7));
        reader.expectFrame("a frame", 0, numbered(7));
        expectEqual("remove, while it streams", admin.remove(nr), -EBUSY);
      }
      expectEqual("remove", admin.remove(nr), 0);
    }
    expectEqual("nodes", nodes(), before);
    return "by either generation of numbers, with limits of their own; EBUSY while one is open";
  });

  await suite.check("loop: wrong calls of the admin device", async () => {
    await loadLoop(context, "compat=1");
    using admin = new LoopAdmin();
    const before = nodes();
    const wrong: Record<string, LoopConfig> = {
      "a number beyond the last": { output_nr: 256 },
      "a width beyond the largest": { max_width: 8193 },
      "a height beyond the largest": { max_height: 0xffff_ffff },
      "min_width above max_width": { min_width: 641, max_width: 640 },
      "min_height above the module's": { min_height: 8193 },
      "too many buffers": { max_buffers: 33 },
    };
    for (const [what, config] of Object.entries(wrong)) {
      expectEqual(what, admin.add(config), -EINVAL);
    }
    const { bytes } = ctl.v4l2_loopback_config.alloc({ output_nr: -1 });
    bytes.fill(0x61, 8, 40);
    expectEqual("a name without an end", admin.call(admin.calls.add, bytes), -EINVAL);
    expectEqual("memory that is not there", admin.call(admin.calls.add, 8), -EFAULT);
    expectEqual("query of it", admin.call(admin.calls.query, 8), -EFAULT);
    for (const size of [0, 68, 76]) {
      expectEqual(`${size} bytes`, admin.call({ request: _IOW("~", 1, size) }, bytes), -ENOTTY);
    }
    for (const nr of [-1, 255, 0x7fff_ffff]) expectEqual(`remove ${nr}`, admin.remove(nr), -ENODEV);
    expectEqual("nodes", nodes(), before);
    return "EINVAL, EFAULT, ENOTTY, ENODEV, and no node more or less";
  });
}
