/**
 * The stages by the module that they stress, in their order, each with its share of the time.
 *
 * @module
 */
import { expectWorking as expectDecoder } from "../decoder/decoder.ts";
import { decoderBlocked } from "../decoder/blocked.ts";
import { decoderClients } from "../decoder/clients.ts";
import { decoderControlsFuzz } from "../decoder/controls_fuzz.ts";
import { decoderCrowd } from "../decoder/crowd.ts";
import { decoderDisplayFuzz } from "../decoder/display_fuzz.ts";
import { decoderFuzz } from "../decoder/fuzz.ts";
import { decoderHolding } from "../decoder/holding.ts";
import { decoderHostile } from "../decoder/hostile.ts";
import { decoderHotplug } from "../decoder/hotplug.ts";
import { decoderImports } from "../decoder/imports.ts";
import { decoderInject } from "../decoder/inject.ts";
import { decoderKills } from "../decoder/kills.ts";
import { decoderLives } from "../decoder/lives.ts";
import { decoderRandom } from "../decoder/random.ts";
import { decoderSessions } from "../decoder/sessions.ts";
import { decoderStalls } from "../decoder/stalls.ts";
import { decoderStatefulStates } from "../decoder/stateful_states.ts";
import { decoderStates } from "../decoder/states.ts";
import { closesOf } from "./closes.ts";
import { decoderFaults, faults, loopFaults } from "./faults.ts";
import { expectWorking as expectFilter } from "../filter/filter.ts";
import type { Module } from "../../harness/modules.ts";
import { filterHolding } from "../filter/holding.ts";
import { filterShared } from "../filter/shared.ts";
import { hotplug } from "../filter/hotplug.ts";
import { kills } from "../filter/kills.ts";
import { leaksOf } from "./leaks.ts";
import { expectWorking as expectLoop } from "../loop/loop.ts";
import { loopCrowd } from "../loop/crowd.ts";
import { loopFormats } from "../loop/formats.ts";
import { loopKills } from "../loop/kills.ts";
import { loopNodes } from "../loop/nodes.ts";
import { loopRandom } from "../loop/random.ts";
import { loopShared } from "../loop/shared.ts";
import { loopStates } from "../loop/states.ts";
import { loopStopped } from "../loop/stopped.ts";
import { loopTimeouts } from "../loop/timeouts.ts";
import { loopUnload } from "../loop/unload.ts";
import { loopViews } from "../loop/views.ts";
import { loopWindows } from "../loop/windows.ts";
import { loopWitnesses } from "../loop/witnesses.ts";
import { randomCalls } from "../filter/random_calls.ts";
import { reloadsOf } from "./reloads.ts";
import type { Stage } from "./stage.ts";
import { states } from "../filter/states.ts";
import { streams } from "../filter/streams.ts";
import { decoder, filter, loop } from "../../harness/nodes.ts";

/** A stage in its place. */
export interface Share {
  /** Of the time of all. */
  readonly share: number;
  readonly run: Stage;
}

/** One module's stages. */
export interface Group {
  readonly driver: Module;
  readonly stages: Readonly<Record<string, Share>>;
  /** Fails unless the module works, after whatever a stage did to it. */
  expectWorking(): Promise<void>;
}

export const GROUPS = {
  filter: {
    driver: filter,
    stages: {
      "random-calls": { share: 0.2, run: randomCalls },
      closes: { share: 0.05, run: closesOf(() => filter.videoNode()) },
      kills: { share: 0.18, run: kills },
      states: { share: 0.05, run: states },
      holding: { share: 0.02, run: filterHolding },
      shared: { share: 0.01, run: filterShared },
      hotplug: { share: 0.14, run: hotplug },
      streams: { share: 0.08, run: streams },
      reloads: { share: 0.1, run: reloadsOf(filter, expectFilter) },
      leaks: { share: 0.08, run: leaksOf(filter) },
      faults: { share: 0.12, run: faults },
    },
    expectWorking: expectFilter,
  },
  decoder: {
    driver: decoder,
    stages: {
      sessions: { share: 0.02, run: decoderSessions },
      states: { share: 0.03, run: decoderStates },
      "stateful-states": { share: 0.03, run: decoderStatefulStates },
      imports: { share: 0.02, run: decoderImports },
      "random-calls": { share: 0.06, run: decoderRandom },
      kills: { share: 0.05, run: decoderKills },
      stalls: { share: 0.03, run: decoderStalls },
      clients: { share: 0.06, run: decoderClients },
      crowd: { share: 0.05, run: decoderCrowd },
      hotplug: { share: 0.06, run: decoderHotplug },
      blocked: { share: 0.03, run: decoderBlocked },
      lives: { share: 0.03, run: decoderLives },
      holding: { share: 0.02, run: decoderHolding },
      hostile: { share: 0.06, run: decoderHostile },
      closes: { share: 0.05, run: closesOf(() => decoder.videoNode()) },
      fuzz: { share: 0.05, run: decoderFuzz },
      "stateful-fuzz": { share: 0.05, run: decoderDisplayFuzz },
      "controls-fuzz": { share: 0.03, run: decoderControlsFuzz },
      inject: { share: 0.02, run: decoderInject },
      // With a look for leaks, of all stages.
      faults: { share: 0.1, run: decoderFaults },
    },
    expectWorking: expectDecoder,
  },
  loop: {
    driver: loop,
    stages: {
      states: { share: 0.1, run: loopStates },
      formats: { share: 0.06, run: loopFormats },
      views: { share: 0.1, run: loopViews },
      windows: { share: 0.06, run: loopWindows },
      stopped: { share: 0.1, run: loopStopped },
      shared: { share: 0.01, run: loopShared },
      witnesses: { share: 0.1, run: loopWitnesses },
      "random-calls": { share: 0.1, run: loopRandom },
      kills: { share: 0.1, run: loopKills },
      timeouts: { share: 0.08, run: loopTimeouts },
      crowd: { share: 0.1, run: loopCrowd },
      nodes: { share: 0.02, run: loopNodes },
      unload: { share: 0.02, run: loopUnload },
      reloads: { share: 0.04, run: reloadsOf(loop, expectLoop) },
      // With a look for leaks, of all stages.
      faults: { share: 0.26, run: loopFaults },
    },
    expectWorking: expectLoop,
  },
} as const satisfies Record<string, Group>;

/** Every stage's name, once. */
export const STAGE_NAMES = [
  ...new Set(Object.values(GROUPS).flatMap(({ stages }) => Object.keys(stages))),
];
