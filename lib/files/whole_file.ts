/**
 * Files of which a part is worth nothing.
 *
 * @module
 */
import { AT_FDCWD, isRegular, type Ownership, ownershipOf } from "../sys/device_number.ts";
import { EDQUOT, ENOSPC, errno, SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_CLOEXEC, O_CREAT, O_EXCL, O_TMPFILE, O_WRONLY } from "../sys/file.ts";
import { cString, libc } from "../sys/libc.ts";
import { linkTarget, realPath } from "../sys/links.ts";
import { concatenate, outputDescriptor } from "./files.ts";
import { refuseMissingDevice, Way } from "./output.ts";
import { OutputFile } from "./output_file.ts";

/** Of this process: files of one folder would else have one name until they are whole. */
let asides = 0;

/** linux/fcntl.h */
const AT_SYMLINK_FOLLOW = 0x400;
const PERMISSIONS = 0o7777;

const encoder = new TextEncoder();

/**
 * Has its name once it is finished, and what had the name before is there until then: whatever ends the
 * program, nobody finds half of it. What is no file of its own, a pipe or stdout, takes each piece at once.
 */
export class WholeFile implements Disposable {
  readonly #path: string;
  /** Behind links. */
  readonly #name: string;
  readonly #before: Ownership | undefined;
  readonly #way: Way | undefined;
  /** Where it cannot be made aside. */
  readonly #plain: OutputFile | undefined;
  readonly #file: File | undefined;
  /** What it is called until it is whole; undefined of a file that has no name. */
  #aside: string | undefined;
  readonly #number = asides++;
  #isWhole = false;

  /**
   * Folders on the path are made.
   *
   * @throws {SysError | Error} as `Output`
   */
  constructor(path: string) {
    this.#path = path;
    this.#name = path;
    this.#before = ownershipOf(path);
    if (outputDescriptor(path) !== undefined || !mayBeReplaced(path, this.#before)) {
      this.#plain = new OutputFile(path, true);
      return;
    }
    if (this.#before === undefined) refuseMissingDevice(path);
    this.#way = new Way(path);
    let file: File | undefined;
    try {
      if (this.#before !== undefined) {
        File.open(path, O_WRONLY).close();
        this.#name = realPath(path);
      }
      file = this.#begin();
      if (this.#before !== undefined) takeOver(file, this.#before);
      this.#file = file;
    } catch (error) {
      file?.close();
      if (this.#aside !== undefined) libc.unlink(cString(this.#aside));
      this.#aside = undefined;
      this.#way.remove();
      const isFull = error instanceof SysError && [ENOSPC, EDQUOT].includes(error.code);
      if (this.#before === undefined || !(error instanceof SysError) || isFull) throw error;
      // A folder in which nothing can be made, or another group's file.
      this.#plain = new OutputFile(path, true);
    }
  }

  #begin(): File {
    const open = (name: string, flags: number) =>
      libc.open(cString(name), O_WRONLY | O_CLOEXEC | flags, 0o666);
    // Not every file system has files without a name, and the errno of that is each one's own.
    let fd = open(this.#folder || ".", O_TMPFILE);
    if (fd < 0) {
      const aside = this.#asideName();
      libc.unlink(cString(aside));
      fd = open(aside, O_CREAT | O_EXCL);
      if (fd < 0) throw new SysError(this.#path, "open", errno[0]);
      this.#aside = aside;
    }
    return new File(this.#path, fd);
  }

  /** With the slash at its end; empty of a name alone. */
  get #folder(): string {
    return this.#name.slice(0, this.#name.lastIndexOf("/") + 1);
  }

  /** No longer than any name may be. */
  #asideName(): string {
    return `${this.#folder}.${Deno.pid}-${this.#number}.part`;
  }

  /** @throws {SysError} ENOSPC, EIO */
  append(content: string | Uint8Array<ArrayBuffer>): void {
    const bytes = typeof content === "string" ? new Uint8Array(encoder.encode(content)) : content;
    if (this.#plain !== undefined) return this.#plain.append(bytes);
    for (let written = 0; written < bytes.length;) {
      const moved = this.#file!.tryWrite(new IoBuffer(bytes.subarray(written)));
      if (moved < 0) throw new SysError(this.#path, "write", -moved);
      written += moved;
    }
  }

  /**
   * It is whole.
   *
   * @throws {SysError} EIO, ENOSPC, EDQUOT
   */
  finish(): void {
    const file = this.#file;
    if (file === undefined) return this.#plain?.close();
    const check = (call: string, result: number) => {
      if (result < 0) throw new SysError(this.#path, call, errno[0]);
    };
    if (this.#aside === undefined) {
      const aside = this.#asideName();
      libc.unlink(cString(aside));
      const own = cString(`/proc/self/fd/${file.fd}`);
      const to = cString(aside);
      check("linkat", libc.linkat(AT_FDCWD, own, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
      this.#aside = aside;
    }
    file.finish();
    check("rename", libc.rename(cString(this.#aside), cString(this.#name)));
    this.#aside = undefined;
    this.#isWhole = true;
  }

  [Symbol.dispose](): void {
    this.#plain?.[Symbol.dispose]();
    this.#file?.close();
    if (this.#aside !== undefined) libc.unlink(cString(this.#aside));
    if (!this.#isWhole) this.#way?.remove();
  }
}

/**
 * What is there may be known by more than its name: other names, a link to what is to be made, an owner that
 * a new file could not have. It is written in place then.
 */
function mayBeReplaced(path: string, before: Ownership | undefined): boolean {
  if (before === undefined) return !path.endsWith("/") && linkTarget(path) === undefined;
  const own = libc.geteuid();
  return isRegular(path) && before.names === 1 && (own === 0 || own === before.uid);
}

/** Gives a new file the owner and the permissions of another; access control lists stay behind. */
function takeOver(file: File, { mode, uid, gid }: Ownership): void {
  // A changed owner takes permissions away.
  if (libc.fchown(file.fd, uid, gid) < 0) throw new SysError(file.path, "fchown", errno[0]);
  libc.fchmod(file.fd, mode & PERMISSIONS);
}

/**
 * Writes a whole file. Of one that could not be written whole nothing stays, and what was there before does
 * where it may be replaced, as `WholeFile` does.
 *
 * @throws {SysError} naming the file
 */
export function writeFile(path: string, ...parts: (string | Uint8Array)[]): void {
  using file = new WholeFile(path);
  file.append(
    concatenate(parts.map((part) => typeof part === "string" ? encoder.encode(part) : part)),
  );
  file.finish();
}
