/**
 * camera-report: what a camera delivers, as a page; without one, which cameras there are.
 *
 * @module
 */
import { writeFile } from "../lib/files/whole_file.ts";
import { choice, flag, number, optional, path, repeated } from "../lib/cli/parameters.ts";
import { BUFFERS, HEAP_OPTION } from "../lib/cli/shared_options.ts";
import { declareTool, main, type Report, type ToolSession } from "../lib/cli/tool.ts";
import { CAPTURE_OPTIONS, openCamera } from "../lib/frames/camera.ts";
import { captureBy, IO_METHODS, type IoMethod } from "../lib/frames/capture_by.ts";
import type { DmabufCapture } from "../lib/frames/capture_dmabufs.ts";
import { type Exposure, exposureOf, exposureWords } from "../lib/frames/exposure.ts";
import { formatRate } from "../lib/measure/format.ts";
import { cameraRunLines, rateMissed } from "../lib/report/camera_lines.ts";
import { disappointments, EXPECTATION } from "../lib/report/expectations.ts";
import { FIGURES, type MachineFigures } from "../lib/report/figures.ts";
import { readBench } from "../lib/report/folder.ts";
import { machineJson } from "../lib/report/json.ts";
import { machineCsv } from "../lib/report/machine.ts";
import { type LiveCamera, LiveView } from "../lib/report/live_view.ts";
import { page } from "../lib/report/page.ts";
import { ENOENT, SysError } from "../lib/sys/errno.ts";
import { listFolder } from "../lib/sys/folder.ts";
import { cameraLines, cameras } from "../lib/v4l2/cameras.ts";

const SECONDS = 20;

const { size, fps, format, timeout, "warm-up": warmUp } = CAPTURE_OPTIONS;

function list(): Report {
  const found = [...cameras()];
  if (found.length === 0) {
    throw new Error("no camera: /dev/video* has none, or none that may be opened");
  }
  return { text: found.flatMap(cameraLines), json: { cameras: found } };
}

/** `video0-hd-webcam`: of a node and its camera's name. */
function folderName(device: string, card: string): string {
  const node = device.slice(device.lastIndexOf("/") + 1);
  const words = card.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return [node, ...words].join("-");
}

/** Nothing of another run may be taken for this one's. */
function refuseUsed(folder: string): void {
  try {
    if (listFolder(folder).length === 0) return;
  } catch (error) {
    if (error instanceof SysError && error.code === ENOENT) return;
    throw error;
  }
  throw new Error(`${folder}: is not empty (DIR may be another place)`);
}

/** Files of one folder: where one cannot be written, the others may be, and what is known is told. */
class FolderFiles {
  /** Of the first one that could not be written. */
  failure: Error | undefined;

  constructor(readonly folder: string) {}

  /** @returns its path; undefined where it could not be written */
  write(name: string, content: string): string | undefined {
    const path = `${this.folder}/${name}`;
    try {
      writeFile(path, content);
      return path;
    } catch (error) {
      this.failure ??= error as Error;
      return undefined;
    }
  }
}

/** Captures with the screen there for as long as it lasts. */
async function captureLive(
  io: IoMethod,
  camera: LiveCamera,
  values: DmabufCapture,
  session: ToolSession,
): Promise<Report> {
  using watch = new LiveView(camera);
  return await captureBy(io, { ...values, watch }, { ...session, quiet: true });
}

/** Of a camera below the rate that it is set to, what may keep it there. */
function shortfall(
  path: string,
  run: Parameters<typeof rateMissed>[0] | undefined,
): { lines: string[]; exposure: Exposure } {
  const missed = run && rateMissed(run);
  if (missed === undefined) return { lines: [], exposure: {} };
  const exposure = exposureOf(path);
  const why = exposureWords(exposure);
  const line = `  below the ${formatRate(missed)} a second that are set`;
  return { lines: [line + (why && `: ${why}`)], exposure };
}

const OPTIONS = {
  seconds: optional(
    number("SECONDS", `how long to capture (default ${SECONDS}; with --live until Ctrl-C)`, {
      min: 0.1,
      max: 86400,
    }),
  ),
  live: flag("show it on one screen, twice a second; without DIR no folder is written"),
  io: {
    ...choice("IO", `${IO_METHODS.join(", ")}: how frames are taken`, IO_METHODS),
    fallback: IO_METHODS[0],
  },
  expect: repeated(EXPECTATION),
  size,
  fps,
  format,
  buffers: BUFFERS,
  heap: HEAP_OPTION,
  "warm-up": warmUp,
  timeout,
};

export const tool = declareTool({
  name: "camera-report",
  summary:
    "Captures frames from a camera for some seconds and writes a folder about them: a row a " +
    "frame, figures, and a page that opens offline. Without DEV it lists the cameras.",
  positionals: {
    device: {
      ...path("DEV", "camera, such as /dev/video0; without it all are listed"),
      fallback: "",
    },
    folder: {
      ...path("DIR", "folder to write, new or empty; without it one here, of the camera's name"),
      fallback: "",
    },
  },
  options: OPTIONS,
  idle({ device, folder, io, live }) {
    if (device === "") {
      const ofDevice = (name: string) => [name, `DEV is missing: --${name} is of it`];
      return Object.fromEntries(Object.keys(OPTIONS).map(ofDevice));
    }
    return {
      expect: live && folder === "" && "DIR is missing: --expect with --live is of its rows",
      buffers: io === "read" && "--buffers: --io read has none",
      heap: io !== "dmabuf" && "--heap is for --io dmabuf",
    };
  },
  async run({ device: path, folder: asked, io, expect, live, ...settings }, session) {
    if (path === "") return list();
    const isKept = !live || asked !== "";
    const { card, driver } = identify(path, io);
    const folder = asked || folderName(path, card);
    if (isKept) refuseUsed(folder);

    const values = {
      ...settings,
      ...{ tool: "camera-report", device: path, csv: isKept ? `${folder}/${io}.csv` : "" },
      ...{ frames: Infinity, stages: isKept },
      seconds: settings.seconds ?? (live ? Infinity : SECONDS),
    };
    const title = `${path}: ${card} (${driver}) by ${io}; Ctrl-C ends it`;
    const captured = live
      ? await captureLive(io, { title, driver }, values, session)
      : await captureBy(io, values, session);
    if (!isKept) {
      const { json } = captured;
      const rate = json.frames_per_second as number | undefined;
      const { lines, exposure } = shortfall(path, { rate, summary: json });
      return {
        ...captured,
        text: [...captured.text, ...lines],
        json: { ...json, ...exposure },
      };
    }
    // Of no frame there is nothing to keep, and what would be kept the next run refuses.
    const hasFrames = Number(captured.json.frames) > 0;
    const files = new FolderFiles(folder);
    let machines: MachineFigures[] = [];
    let report: string | undefined;
    if (hasFrames) {
      files.write(`${io}.json`, `${JSON.stringify(captured.json)}\n`);
      files.write("machine.csv", machineCsv({ camera: card, camera_driver: driver }));
      machines = readBench(folder, FIGURES);
      report = files.write("report.html", page(machines));
    }
    const failure = captured.failure ?? files.failure;

    // A full disk may have no room for what the tool knows all the same.
    const found = machines.at(0)?.runs.at(0);
    const run = found && { ...found, summary: captured.json };
    const { lines, exposure } = shortfall(path, run);
    const unmet = disappointments(expect, run);
    for (const { says } of unmet) session.warn(says);
    return {
      text: [
        ...run ? cameraRunLines(run) : ["no frame"],
        ...lines,
      ].map((line, i) => i === 0 ? `${hasFrames ? folder : path}: ${line}` : line),
      json: {
        folder: hasFrames ? folder : undefined,
        report,
        ...machines.map(machineJson).at(0),
        ...exposure,
        expectations_not_met: unmet,
        failure: failure?.message,
      },
      status: unmet.length > 0 ? 1 : 0,
      failure,
    };
  },
});

/** What the camera is called; that it is one is known before a folder is made. */
function identify(path: string, io: IoMethod): { card: string; driver: string } {
  using device = openCamera(path, io === "read" ? "read" : "streaming");
  const { card, driver } = device;
  return { card, driver };
}

if (import.meta.main) await main(tool);
