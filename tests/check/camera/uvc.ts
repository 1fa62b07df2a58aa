/**
 * The kernel's own driver of USB cameras, with a camera that is a program.
 *
 * @module
 */
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { V4L2_CAP_VIDEO_CAPTURE } from "../../../lib/uapi/videodev2.ts";
import { type Context, readCsv } from "../../harness/context.ts";
import { expectError, someRows } from "../../harness/expectations.ts";
import { borrowModules } from "../../harness/modules.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";
import { FPS, FRAME_BYTES, HEIGHT, NAME, UvcCamera, WIDTH } from "./uvc_camera.ts";

/** Its node for frames: another one is for metadata. */
const nodeOf = () =>
  videoNodes().filter(({ name }) => name.startsWith(NAME)).map(({ path }) => path).find((path) => {
    try {
      VideoDevice.open(path, V4L2_CAP_VIDEO_CAPTURE).close();
      return true;
    } catch {
      return false;
    }
  });

/** A camera that is there, and its node; both are gone when it goes out of scope. */
async function plugIn(socket: string) {
  await using made = new AsyncDisposableStack();
  made.use(await borrowModules("vhci-hcd", "uvcvideo"));
  made.defer(() => until("the node goes", () => nodeOf() === undefined));
  const camera = made.use(await UvcCamera.plugIn(socket));
  await until("a node of the camera", () => nodeOf() !== undefined);
  const owned = made.move();
  return {
    path: nodeOf()!,
    pullOut: () => camera[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function uvcChecks(suite: Suite, context: Context): Promise<void> {
  const socket = `${context.scratch}/usb`;

  await suite.check("uvc: a USB camera's report", async () => {
    await using camera = await plugIn(socket);
    const { path } = camera;
    const lines = (await context.run("camera-report")).split("\n");
    const own = lines.slice(lines.findIndex((line) => line.startsWith(`${path}: `)));
    expect(own[0].includes(NAME) && own[0].includes("uvcvideo"), own[0]);
    const sizes = own.find((line) => line.includes(`${WIDTH} x ${HEIGHT}`)) ?? "no size";
    expect(sizes.includes(` ${FPS} `), sizes);

    const folder = `${context.scratch}/uvc`;
    const args = [path, folder, "--seconds", 2, "--warm-up", 2, "--json"] as const;
    const said = JSON.parse(await context.run("camera-report", ...args));
    const [{ frames, latency_of: latency }] = said.paths;
    const rows = readCsv(`${folder}/mmap.csv`);
    expectEqual("rows", rows.length, frames);
    expect(
      rows.every(({ bytesused }) => Number(bytesused) === FRAME_BYTES),
      "frames that are short",
    );
    const sequences = rows.map(({ sequence }) => Number(sequence));
    expect(sequences.every((one, i) => i === 0 || one > sequences[i - 1]), `${sequences}`);
    expectEqual("clock", rows[0].timestamp_type, "monotonic");
    expectEqual("latency of", latency, "start of exposure to dequeueing");
    const page = Deno.readTextFileSync(`${folder}/report.html`);
    expect(page.includes(NAME) && page.includes(`${WIDTH}x${HEIGHT} yuyv`), "not on the page");
    return `${frames} frames of ${own[0].trim()}, latency is of ${latency}`;
  });

  await suite.check("uvc: pulled out", async () => {
    await using camera = await plugIn(socket);
    const csv = `${context.scratch}/pulled.csv`;
    const args = [camera.path, csv, 100_000, "--warm-up", 0, "--quiet"] as const;
    await using program = context.start("capture-mmap", ...args);
    await someRows(program, csv);
    await camera.pullOut();
    const said = expectError(await program.end(), "capture-mmap", 1, `${camera.path}: `);
    expect(said.includes("ENODEV"), said);
    return `${said}; ${readCsv(csv).length} rows are kept`;
  });
}
