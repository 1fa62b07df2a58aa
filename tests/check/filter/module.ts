/**
 * Loading and unloading vpipe.ko.
 *
 * @module
 */
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_M2M } from "../../../lib/uapi/videodev2.ts";
import { MetaReader } from "../../../lib/vpipe/meta.ts";
import * as uapi from "../../../lib/uapi/vpipe.ts";
import { VERSION } from "../../../lib/version.ts";
import { type Context, META } from "../../harness/context.ts";
import { exists, Module } from "../../harness/modules.ts";
import { filter } from "../../harness/nodes.ts";
import { run, succeed } from "../../harness/processes.ts";
import { CheckFailure, expect, expectEqual, type Suite } from "../../harness/suite.ts";

// A distribution's kernel may have no v4l2-mem2mem: see scripts/modules.sh.
const DEPENDENCIES = ["videobuf2-vmalloc", "videobuf2-v4l2", "v4l2-mem2mem"];

async function load(context: Context): Promise<void> {
  for (const name of DEPENDENCIES) {
    if ((await run("modprobe", [name])).status === 0) continue;
    const dependency = new Module(name);
    if (dependency.isLoaded()) continue;
    await dependency.load(context.module.replace(/[^/]*$/, `mem2mem/${name}.ko`));
  }
  await filter.load(context.module);
}

export async function moduleChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("module: load", async () => {
    if (filter.isLoaded()) await filter.unload();
    await load(context);
    expect(exists(META), `${META} did not appear`);
    return `${context.module} gives ${context.filter} and ${META}`;
  });
  await suite.check("module: unload and load again", async () => {
    for (let i = 0; i < 3; i++) {
      await filter.unload();
      expect(!videoNodes().some(({ name }) => name === "vpipe"), "the video node is still there");
      expect(!exists(META), `${META} is still there`);
      await load(context);
    }
    return `three times, both nodes gone in between and back at ${context.filter}`;
  });
  await suite.check("module: version", async () => {
    const modules = [context.module, context.decoderModule, context.loopModule];
    for (const module of modules) {
      const version = await succeed("modinfo", ["-F", "version", module]);
      expectEqual(`version of ${module}`, version.trim(), VERSION);
    }
    return `all ${modules.length} modules are of ${VERSION}`;
  });
  await suite.check("module: capabilities and controls", () => {
    const wanted = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;
    using device = VideoDevice.open(context.filter, wanted, "mem2mem device");
    expectEqual("driver", device.driver, "vpipe");
    expectEqual("card", device.card, "vpipe mem2mem");
    const defaults: [name: string, id: number, value: number][] = [
      ["source sequence", uapi.VPIPE_CID_SRC_SEQUENCE, 0],
      ["algorithm", uapi.VPIPE_CID_ALGO, uapi.VPIPE_ALGO_NONE],
      ["ROI left", uapi.VPIPE_CID_ROI_LEFT, 0],
      ["ROI top", uapi.VPIPE_CID_ROI_TOP, 0],
      ["ROI width", uapi.VPIPE_CID_ROI_WIDTH, uapi.VPIPE_DEF_WIDTH],
      ["ROI height", uapi.VPIPE_CID_ROI_HEIGHT, uapi.VPIPE_DEF_HEIGHT],
      ["threshold", uapi.VPIPE_CID_THRESHOLD, 127],
    ];
    for (const [name, id, value] of defaults) expectEqual(name, device.getControl(id), value);
    return `"vpipe mem2mem", ${defaults.length} controls at their documented defaults`;
  });
  await suite.check("module: metadata versions", () => {
    for (const version of [1, 2] as const) {
      using reader = new MetaReader(META, version);
      expectEqual(`entry size of version ${version}`, reader.entrySize, version === 1 ? 80 : 128);
      expectEqual("ring entries", reader.ringEntries, 256);
    }
    let refused = false;
    try {
      new MetaReader(META, 3 as 2).close();
    } catch {
      refused = true;
    }
    expect(refused, "version 3 was accepted");
    return "versions 1 (80 bytes) and 2 (128 bytes), 3 is refused, 256 entries";
  });
  await suite.check("module: in use", async () => {
    using reader = new MetaReader(META);
    const { status } = await filter.tryUnload();
    expect(status !== 0, "rmmod succeeded although the metadata device is open");
    if (!exists(META)) throw new CheckFailure(`${META} is gone`);
    expectEqual("entries published since loading", reader.stats().published, 0);
    return "rmmod is refused while a program has the metadata device open";
  });
}
