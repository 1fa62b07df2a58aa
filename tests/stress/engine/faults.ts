/**
 * Allocations that fail, in each call that a module serves.
 *
 * @module
 */
import { injectFaults } from "./faults_worker.ts";
import { expect, Skip } from "../../harness/suite.ts";
import { canInjectFaults } from "./fault_injection.ts";
import type { Module } from "../../harness/modules.ts";
import type { FaultsOrder } from "./faults_worker.ts";
import { canFindLeaks, expectNone, findLeaks, forgetLeaks } from "./leaks.ts";
import { decoder, filter, loop } from "../../harness/nodes.ts";
import { type Conditions, NEVER_S } from "./stage.ts";
import { Worker } from "./workers.ts";

/**
 * Functions of V4L2's core that leak when something they call fails, in Linux 6.12: the first the
 * node's name, the second an entity's.
 */
const LEAKY = ["__video_register_device", "v4l2_m2m_register_media_controller"];

/** Enough for every place. */
const ALL_S = 300;

async function expectNoLeaks(): Promise<void> {
  const leaks = await findLeaks();
  expectNone(leaks.filter((leak) => !LEAKY.some((name) => leak.includes(` ${name}+`))));
  forgetLeaks();
}

async function faultsOf(
  subject: FaultsOrder["subject"],
  driver: Module,
  { seconds: share, amount, random, module }: Conditions,
): Promise<string> {
  const seconds = amount === 1 ? ALL_S : share;
  if (!canInjectFaults()) {
    throw new Skip("this kernel has no fault injection with a stack trace filter");
  }
  await using worker = new Worker(injectFaults, {
    ...{ seed: random.next(), seconds, subject, module },
  });
  const reports = await worker.result(NEVER_S * (1 + amount));
  expect(reports.some(({ failed }) => failed > 0), "no fault had an effect");
  await driver.unload();
  try {
    if (canFindLeaks()) await expectNoLeaks();
  } finally {
    await driver.load(module);
  }
  const text = reports.map(({ name, tried, places, failed }) =>
    places === 0
      ? `${name}: no memory asked for`
      : `${name}: ${tried} of ${places}, ${failed} failed`
  );
  return `${text.join("; ")}; each call worked or said why, nothing is leaked`;
}

export const faults = (conditions: Conditions) => faultsOf("filter", filter, conditions);

export const decoderFaults = (conditions: Conditions) => faultsOf("decoder", decoder, conditions);

export const loopFaults = (conditions: Conditions) => faultsOf("loop", loop, conditions);
