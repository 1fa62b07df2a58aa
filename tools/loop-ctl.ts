/**
 * loop-ctl: loopback nodes added, deleted, looked at, and given an image, while the module is loaded.
 *
 * @module
 */
import { counted } from "../lib/measure/format.ts";
import {
  choice,
  flag,
  integer,
  optional,
  type Parameter,
  path as pathOf,
  UsageError,
} from "../lib/cli/parameters.ts";
import { declareTool, main, type Report, type Values } from "../lib/cli/tool.ts";
import { giveTimeOutImage } from "../lib/frames/time_out_image.ts";
import { EACCES, EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, SysError } from "../lib/sys/errno.ts";
import { File, O_RDONLY } from "../lib/sys/file.ts";
import type { Ioctl } from "../lib/uapi/ioctl_number.ts";
import { VPIPE_LOOP_MAX_SIZE } from "../lib/uapi/vpipe_loop.ts";
import { videoNodes } from "../lib/v4l2/find.ts";
import { LOOP_ADMIN, LoopAdmin, type LoopConfig } from "../lib/vpipe/loop_admin.ts";
import { loopStats } from "../lib/vpipe/loop_stats.ts";

const COMMANDS = ["list", "add", "delete", "query", "stats", "still"] as const;

/** Of /dev/videoN, and of the name in bytes. */
const MAX_NUMBER = 255;
const MAX_NAME = 31;
const MAX_BUFFERS = 32;
const MAX_TIMEOUT_MS = 100_000;

const path = (nr: number) => `/dev/video${nr}`;
const numberIn = (text: string) => text.replace(/^\/dev\/video(?=\d)/, "");

/** Nothing where it is left out. */
const nodeNumber: Parameter<number | ""> = {
  metavar: "N",
  help: "the node, N of /dev/videoN or the path itself; of add the next free one without it",
  parse: (text) => integer("N", "", { max: MAX_NUMBER }).parse(numberIn(text)),
  fallback: "",
};

const nodeName: Parameter<string> = {
  metavar: "NAME",
  help: "what programs show, at most 31 bytes; without it a made-up one",
  parse(text) {
    const { length } = new TextEncoder().encode(text);
    if (length > MAX_NAME) throw new UsageError(`is ${length} bytes long, at most ${MAX_NAME} fit`);
    return text;
  },
};

const side = (what: string) =>
  optional(integer("PIXELS", `${what}, 1 to ${VPIPE_LOOP_MAX_SIZE}; without it the module's`, {
    min: 1,
    max: VPIPE_LOOP_MAX_SIZE,
  }));

/** What `add` takes. */
const ADD_OPTIONS = {
  name: optional(nodeName),
  "exclusive-caps": flag("it is a capture device while a writer streams, else an output device"),
  "min-width": side("smallest width"),
  "max-width": side("largest width"),
  "min-height": side("smallest height"),
  "max-height": side("largest height"),
  "max-buffers": optional(integer("N", "most buffers of a queue; without it the module's", {
    min: 1,
    max: MAX_BUFFERS,
  })),
  "max-openers": optional(integer("N", "most open files; without it the module's", {
    min: 1,
    max: 0x7fff_ffff,
  })),
  log: optional(integer("LEVEL", "what the kernel logs of it, 1 to 3; without it the module's", {
    min: 1,
    max: 3,
  })),
};

type AddOptions = Values<typeof ADD_OPTIONS>;

/** What `still` takes. */
const STILL_OPTIONS = {
  timeout: optional(integer(
    "MS",
    `without a frame for so long readers get the image, 1 to ${MAX_TIMEOUT_MS}; without it the ` +
      "node's, or 1000",
    { min: 1, max: MAX_TIMEOUT_MS },
  )),
};

/** The one command that an option is for. */
const OPTIONS_OF = { add: ADD_OPTIONS, still: STILL_OPTIONS };

const isThere = (file: string): boolean => {
  try {
    File.open(file, O_RDONLY).close();
    return true;
  } catch (error) {
    if (error instanceof SysError) return error.code !== ENOENT;
    throw error;
  }
};

/** What to do about an errno. */
type Hints = Readonly<Record<number, string>>;

/** A failed call, and what to do about it. */
function failure(error: SysError, hints: Hints): Error {
  const hint = hints[error.code];
  return hint === undefined ? error : new Error(`${error.message}: ${hint}`, { cause: error });
}

/** What root can open; where it is missing, what that means with its folder and `without`. */
function opened<T>(open: () => T, folder: string, within: string, without: string): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const missing = isThere(folder) ? within : without;
    throw failure(error, { [EACCES]: "it is root's", [ENOENT]: missing });
  }
}

const openAdmin = () =>
  opened(
    () => new LoopAdmin(),
    "/sys/module/vpipe_loop",
    "vpipe-loop is loaded without compat=1: modprobe -r vpipe-loop && modprobe vpipe-loop compat=1",
    "the module is not loaded: modprobe vpipe-loop compat=1",
  );

/** @throws {Error} naming the node, where `result` is an errno */
function expectDone(result: number, subject: string, { name }: Ioctl, hints: Hints): void {
  if (result < 0) throw failure(new SysError(subject, name, -result), hints);
}

const NO_NODE = "no loopback node, loop-ctl list says which there are";

/** A node as a program reads it. */
function described(config: Required<LoopConfig>) {
  return {
    device: path(config.output_nr),
    name: config.card_label,
    exclusive_caps: config.announce_all_caps === 0,
    min_width: config.min_width,
    max_width: config.max_width,
    min_height: config.min_height,
    max_height: config.max_height,
    max_buffers: config.max_buffers,
    max_openers: config.max_openers,
    log: config.debug,
  };
}

const lines = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values).map(([name, value]) => `${name} ${value}`);

function list(): Report {
  using admin = openAdmin();
  const nodes = videoNodes()
    .map((node) => admin.query(Number(numberIn(node.path))))
    .filter(({ result }) => result === 0)
    .map(({ config }) => described(config));
  return {
    text: nodes.map((node) => {
      const sizes = `${node.min_width}x${node.min_height} to ${node.max_width}x${node.max_height}`;
      const caps = node.exclusive_caps ? ", one capability at a time" : "";
      return `${node.device}  ${node.name}  (${sizes}, ${
        counted(node.max_buffers, "buffer")
      }${caps})`;
    }),
    json: { nodes },
  };
}

/** @throws {UsageError} for a smallest size above the largest */
function checkLimits(options: AddOptions): void {
  for (const what of ["width", "height"] as const) {
    const [min, max] = [options[`min-${what}`], options[`max-${what}`]];
    if (min !== undefined && max !== undefined && min > max) {
      throw new UsageError(`--min-${what} ${min} is above --max-${what} ${max}`);
    }
  }
}

function add(nr: number | "", options: AddOptions): Report {
  checkLimits(options);
  using admin = openAdmin();
  const number = admin.add({
    output_nr: nr === "" ? -1 : nr,
    card_label: options.name ?? "",
    announce_all_caps: options["exclusive-caps"] ? 0 : 1,
    min_width: options["min-width"] ?? 0,
    max_width: options["max-width"] ?? 0,
    min_height: options["min-height"] ?? 0,
    max_height: options["max-height"] ?? 0,
    max_buffers: options["max-buffers"] ?? 0,
    max_openers: options["max-openers"] ?? 0,
    debug: options.log ?? 0,
  });
  expectDone(number, nr === "" ? LOOP_ADMIN : path(nr), admin.calls.add, {
    [EEXIST]: "the number is taken",
    [EINVAL]: "a smallest size is above the module's max_width or max_height",
  });
  return { text: [path(number)], json: { device: path(number) } };
}

function remove(nr: number): Report {
  using admin = openAdmin();
  expectDone(admin.remove(nr), path(nr), admin.calls.remove, {
    [EBUSY]: `somebody has it open, fuser -v ${path(nr)} says who`,
    [ENODEV]: NO_NODE,
  });
  return { text: [`${path(nr)}: deleted`], json: { device: path(nr) } };
}

function query(nr: number): Report {
  using admin = openAdmin();
  const { result, config } = admin.query(nr);
  expectDone(result, path(nr), admin.calls.query, { [ENODEV]: NO_NODE });
  const node = described(config);
  return { text: lines(node), json: node };
}

function stats(nr: number): Report {
  const counters = opened(
    () => loopStats(path(nr)),
    "/sys/kernel/debug/vpipe-loop",
    "no node of vpipe-loop",
    "vpipe-loop is not loaded, or debugfs not mounted",
  );
  return { text: lines(counters), json: { device: path(nr), ...counters } };
}

function still(nr: number, image: string, timeout: number | undefined): Report {
  try {
    const shown = giveTimeOutImage(path(nr), image, timeout);
    const { format, width, height } = shown;
    const what = `${width}x${height} ${format}, after ${shown.timeout} ms without a frame`;
    return { text: [`${path(nr)}: ${what}`], json: { device: path(nr), ...shown } };
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw failure(error, {
      [EBUSY]: "somebody else writes, or gives an image",
      [EINVAL]: NO_NODE,
      [ENOENT]: NO_NODE,
    });
  }
}

/** @throws {UsageError} for an option that is another command's */
function checkOptions(command: string, options: Readonly<Record<string, unknown>>): void {
  for (const [owner, known] of Object.entries(OPTIONS_OF)) {
    if (owner === command) continue;
    const meant = Object.keys(known)
      .find((name) => options[name] !== undefined && options[name] !== false);
    if (meant !== undefined) throw new UsageError(`--${meant} is for ${owner}, not for ${command}`);
  }
}

export const tool = declareTool({
  name: "loop-ctl",
  summary:
    "Lists, adds and deletes loopback nodes, tells what one is and has counted, and gives one an image.",
  positionals: {
    command: choice("COMMAND", COMMANDS.join(", "), COMMANDS),
    number: nodeNumber,
    image: {
      ...pathOf(
        "IMAGE",
        "of still: what readers get without a writer, any picture that FFmpeg reads",
      ),
      fallback: "",
    },
  },
  options: { ...ADD_OPTIONS, ...STILL_OPTIONS },
  run({ command, number, image, ...options }): Report {
    checkOptions(command, options);
    if (image !== "" && command !== "still") {
      throw new UsageError(`IMAGE is for still, not for ${command}`);
    }
    if (command === "add") return add(number, options);
    if (command === "list") {
      if (number !== "") throw new UsageError("list takes no N");
      return list();
    }
    if (number === "") throw new UsageError(`N is missing: ${command} which node?`);
    if (command === "still") {
      if (image === "") throw new UsageError("IMAGE is missing: which picture?");
      return still(number, image, options.timeout);
    }
    return { delete: remove, query, stats }[command](number);
  },
});

if (import.meta.main) await main(tool);
