/**
 * What a worker can be told to do.
 *
 * @module
 */
import { CheckFailure } from "../harness/suite.ts";
import { changeControls } from "./filter/controls_worker.ts";
import { streamAnything } from "./decoder/anything_worker.ts";
import { blockInDecoder } from "./decoder/blocked.ts";
import { holdOn } from "./decoder/holding.ts";
import { blockInInject } from "./decoder/inject.ts";
import { beHostile } from "./decoder/hostile_worker.ts";
import { answerAnything } from "./decoder/random_worker.ts";
import { decodeExactly, displayExactly } from "./decoder/worker.ts";
import { closeFiles } from "./engine/closes.ts";
import { injectFaults } from "./engine/faults_worker.ts";
import { missInSharedFile, waitInSharedFile } from "./engine/shared_file.ts";
import { blockInDequeue, blockInRead } from "./filter/hotplug_worker.ts";
import { readLoop } from "./loop/reader_worker.ts";
import { churnNodes, knockAtNodes } from "./loop/nodes_worker.ts";
import { shareLoopFile } from "./loop/shared.ts";
import { churnViews } from "./loop/views_worker.ts";
import { takeWindows } from "./loop/windows.ts";
import { crowdFilter, holdFilter, liveInFilter } from "./filter/holding.ts";
import { beBusy, beLoopVictim, keepFrame, missMemory, takeIdly } from "./loop/victim_worker.ts";
import { writeLoop } from "./loop/writer_worker.ts";
import { callMetaAtRandom } from "./filter/meta_worker.ts";
import { streamFrames } from "./filter/stream_worker.ts";
import {
  callDecoderAtRandom,
  callLoopAtRandom,
  callLoopBeside,
  callVideoAtRandom,
} from "./engine/random_worker.ts";

const workers = {
  answerAnything,
  beHostile,
  beBusy,
  beLoopVictim,
  takeIdly,
  blockInDecoder,
  blockInDequeue,
  blockInInject,
  blockInRead,
  callDecoderAtRandom,
  callLoopAtRandom,
  callLoopBeside,
  callMetaAtRandom,
  callVideoAtRandom,
  changeControls,
  churnNodes,
  churnViews,
  closeFiles,
  decodeExactly,
  displayExactly,
  crowdFilter,
  holdFilter,
  holdOn,
  injectFaults,
  keepFrame,
  knockAtNodes,
  liveInFilter,
  missInSharedFile,
  missMemory,
  readLoop,
  shareLoopFile,
  streamFrames,
  streamAnything,
  takeWindows,
  waitInSharedFile,
  writeLoop,
};

/** Becomes the worker that the command line asks for. */
export async function work([kind, order]: string[]): Promise<void> {
  const run = workers[kind as keyof typeof workers] as (order: unknown) => unknown;
  try {
    console.log(JSON.stringify(await run(JSON.parse(order))));
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(error instanceof CheckFailure ? message : stack);
    Deno.exit(1);
  }
}
