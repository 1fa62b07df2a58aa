/**
 * What streams of both kinds have in common for the thread that serves them.
 *
 * @module
 */
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import type { File } from "../../lib/sys/file.ts";
import type { Log } from "./log.ts";
import type { Buffers } from "../pictures/buffers.ts";
import type { Answers } from "./answers.ts";
import type { Incoming } from "./messages.ts";
import type { StreamMemory } from "./stream_memory.ts";

/** What a service has of its stream. */
export interface ServedStream {
  readonly ffmpeg: Ffmpeg;
  readonly log: Log;
  /** The kernel's number of the stream. */
  readonly id: number;
  readonly file: File;
  readonly incoming: Incoming;
  readonly answers: Answers;
  readonly buffers: Buffers;
  readonly memory: StreamMemory;
}

/** The part of a stream's service that depends on its kind. */
export interface Service extends Disposable {
  /** Whether `step` has something to do now. */
  readonly ready: boolean;

  /**
   * Takes in the message that was read.
   *
   * @param type VPIPE_DEC_MSG_*
   * @returns whether this kind of stream has such messages
   * @throws {ProtocolError} the kernel does not keep to vpipe-dec.h
   * @throws {SysError} of the stream's file
   */
  handle(type: number): boolean;

  /**
   * Does the next piece of what was taken in.
   *
   * @throws {SysError} of the stream's file
   */
  step(): void;

  /** CAPTURE buffers are gone. */
  forget(): void;
}
