/**
 * Both generations of the numbers by which nodes of the loopback module are added and removed.
 *
 * @module
 */
import * as ctl from "../../lib/uapi/vpipe_loop_ctl.ts";
import type { LoopAdminCalls } from "../../lib/vpipe/loop_admin.ts";

export const GENERATIONS = {
  "0.15": {
    add: ctl.V4L2LOOPBACK_CTL_ADD,
    remove: ctl.V4L2LOOPBACK_CTL_REMOVE,
    query: ctl.V4L2LOOPBACK_CTL_QUERY,
  },
  "before 0.14": {
    add: ctl.V4L2LOOPBACK_CTL_ADD_legacy,
    remove: ctl.V4L2LOOPBACK_CTL_REMOVE_legacy,
    query: ctl.V4L2LOOPBACK_CTL_QUERY_legacy,
  },
} satisfies Record<string, LoopAdminCalls>;
