/**
 * A process that changes controls on an open file of its own.
 *
 * @module
 */
import { openFilter, setFilterControls } from "../../../lib/vpipe/filter.ts";
import { filter } from "../../harness/nodes.ts";
import { Random } from "../../harness/random.ts";

/** What the worker is to do. */
export interface ControlsOrder {
  readonly seed: number;
  readonly seconds: number;
}

/** Sets all controls to random values until the time is over. */
export function changeControls({ seed, seconds }: ControlsOrder): { changes: number } {
  const random = new Random(seed);
  const end = performance.now() + seconds * 1000;
  using device = openFilter(filter.videoNode());
  let changes = 0;
  for (; performance.now() < end; changes++) {
    setFilterControls(device, {
      sequence: random.below(0x8000_0000),
      algorithm: random.below(2),
      threshold: random.below(256),
      roi: {
        left: random.below(4097),
        top: random.below(4097),
        width: random.below(4097),
        height: random.below(4097),
      },
    });
  }
  return { changes };
}
