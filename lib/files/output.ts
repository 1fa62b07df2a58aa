/**
 * Where a tool's output goes: a file, a pipe, or what was open before.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import { deviceAt, type DeviceFile, isPipe, isRegular, ownershipOf } from "../sys/device_number.ts";
import { EEXIST, errno, SysError } from "../sys/errno.ts";
import { File, O_CREAT, O_EXCL, O_WRONLY } from "../sys/file.ts";
import { cString, libc } from "../sys/libc.ts";
import { linkTarget, realPath } from "../sys/links.ts";
import { outputDescriptor, STDOUT } from "./files.ts";
import { ReaderQueue } from "./reader_queue.ts";

// linux/major.h; the minors are of /dev/null and /dev/full.
const MEM_MAJOR = 1;
const SINKS = [3, 7];
const TTY_MAJORS = [4, 5];
const PTY_MAJORS = [136, 143] as const;

/** A device that takes text without being anybody's picture or disk. */
function takesText({ block, major, minor }: DeviceFile): boolean {
  if (block) return false;
  return major === MEM_MAJOR && SINKS.includes(minor) || TTY_MAJORS.includes(major) ||
    PTY_MAJORS[0] <= major && major <= PTY_MAJORS[1];
}

/** Where devices are, and no file is made; shared memory is files. */
const DEVICES = /^\/dev(\/(?!shm\/)|$)/;

/**
 * Of a name without anything: in /dev that of a device which is missing.
 *
 * @throws {Error} naming the path
 */
export function refuseMissingDevice(path: string): void {
  // A link to nothing names another place.
  const target = linkTarget(path) ?? "";
  let folder = dirname(isAbsolute(target) ? target : join(dirname(path), target || "name"));
  while (ownershipOf(folder) === undefined) folder = dirname(folder);
  const real = realPath(folder);
  if (DEVICES.test(real === "/dev" ? real : `${real}/`)) {
    throw new Error(`${path}: there is no such device, and no file is made in /dev`);
  }
}

/** Folders that were missing on the way to a file. */
export class Way {
  readonly #made: string[] = [];

  /** Makes them; where one cannot be made, none is. */
  constructor(path: string) {
    for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
      const folder = path.slice(0, end);
      if (libc.mkdir(cString(folder), 0o777) === 0) {
        this.#made.push(folder);
        continue;
      }
      const code = errno[0];
      // What is in the way and no folder is reported when the file is opened.
      if (code === EEXIST) continue;
      this.remove();
      throw new SysError(folder, "mkdir", code);
    }
  }

  /** Removes them again, up to the first one that something else lies in. */
  remove(): void {
    for (const folder of this.#made.reverse()) {
      if (libc.rmdir(cString(folder)) < 0) return;
    }
  }
}

function taking(reader: ReaderQueue): ReaderQueue {
  reader.isData = true;
  return reader;
}

/** Opens a file to be written, and says whether it is new. */
function create(path: string): { file: File; isNew: boolean } {
  try {
    return { file: File.open(path, O_WRONLY | O_CREAT | O_EXCL), isNew: true };
  } catch (error) {
    if (!(error instanceof SysError && error.code === EEXIST)) throw error;
  }
  return { file: File.open(path, O_WRONLY | O_CREAT), isNew: false };
}

/**
 * A file, or what a path such as `/dev/stdout` stands for, or is open as stdout; `-` is that. Folders on the
 * path are made. What a file had before is there until `begin`. A new file that nothing came to lie in is gone
 * once it is closed, and so are the folders that were made for it.
 */
export class Output implements Disposable {
  /** Whether one was ever stdout: nothing else may go there then. */
  static hasStdout = false;
  readonly file: File;
  /** Of what has a reader; a file has none. */
  readonly reader: ReaderQueue | undefined;
  // Bytes that are complete.
  #size = 0;
  // Was open before: whoever opened it closes it, and what it had before is not known.
  readonly #borrowed: boolean = false;
  readonly #way: Way | undefined;
  readonly #isNew: boolean = false;
  #isEmpty = true;
  #hasBegun = false;
  #isClosed = false;

  /**
   * @throws {SysError} naming the file or the folder
   * @throws {Error} where it is a device, there or missing: an argument was forgotten, or two were exchanged
   */
  constructor(path: string) {
    const descriptor = outputDescriptor(path);
    if (descriptor !== undefined) {
      const isStdout = descriptor === STDOUT;
      if (isStdout) Output.hasStdout = true;
      const name = isStdout ? "stdout" : path;
      this.file = new File(name, descriptor);
      if (!isRegular(`/proc/self/fd/${descriptor}`)) {
        this.reader = taking(ReaderQueue.of(name, descriptor));
      }
      this.#borrowed = true;
      return;
    }
    const device = deviceAt(path);
    if (device !== undefined && !takesText(device)) {
      throw new Error(`${path}: is a device and no file to write (is an argument missing?)`);
    }
    if (ownershipOf(path) === undefined) refuseMissingDevice(path);
    this.#way = new Way(path);
    try {
      ({ file: this.file, isNew: this.#isNew } = create(path));
    } catch (error) {
      this.#way.remove();
      throw error;
    }
    if (isPipe(path) || device !== undefined && device.major !== MEM_MAJOR) {
      this.reader = taking(new ReaderQueue(path, this.file.fd));
    }
  }

  /** Empties the file, the first time. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.cut();
  }

  /** So many more bytes are there, and complete. */
  keep(bytes: number): void {
    this.#size += bytes;
    this.#isEmpty = false;
  }

  /** Cuts off what is not complete. */
  cut(): void {
    if (this.#borrowed) return;
    try {
      this.file.truncate(this.#size);
    } catch {
      // A pipe or a device cannot be cut; what went wrong before is what matters.
    }
  }

  /**
   * All that belongs there is written.
   *
   * @throws {SysError} EIO, ENOSPC, EDQUOT
   */
  close(): void {
    if (this.#borrowed || this.#isClosed) return;
    this.#isClosed = true;
    this.reader?.end();
    if (this.#isNew && this.#isEmpty) {
      this.file.close();
      libc.unlink(cString(this.file.path));
      this.#way?.remove();
    } else this.file.finish();
  }

  /** As `close`, of what has failed already. */
  [Symbol.dispose](): void {
    try {
      this.close();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
}
