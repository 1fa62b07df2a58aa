/**
 * The controls that a device has, and their menus.
 *
 * @module
 */
import { EINVAL, ENOTTY } from "../sys/errno.ts";
import { ioctlOr, type IoctlSubject } from "../sys/ioctl.ts";
import * as v4l2 from "../uapi/videodev2.ts";

/** What VIDIOC_QUERY_EXT_CTRL says of a control. Numbers are exact below 2^53. */
export interface ControlDescription {
  /** V4L2_CID_* */
  readonly id: number;
  /** V4L2_CTRL_TYPE_* */
  readonly type: number;
  /** In the driver's words, for a person: `Brightness`. */
  readonly name: string;
  /** The smallest value; of a text, its shortest length. */
  readonly minimum: number;
  /** The largest value; of a text, its longest length, of a bitmask, all bits that can be set. */
  readonly maximum: number;
  /** From one value to the next that the driver takes. */
  readonly step: number;
  /** What it is when the driver is loaded; says nothing of a text or a compound control. */
  readonly defaultValue: number;
  /** V4L2_CTRL_FLAG_* */
  readonly flags: number;
  /** How many values it has: more than 1 of an array. */
  readonly elements: number;
}

/** One choice of a menu. */
export interface MenuItem {
  /** The control's value that chooses it. */
  readonly index: number;
  /** Its name; of a V4L2_CTRL_TYPE_INTEGER_MENU, its number. */
  readonly label: string;
}

const NEXT = (v4l2.V4L2_CTRL_FLAG_NEXT_CTRL | v4l2.V4L2_CTRL_FLAG_NEXT_COMPOUND) >>> 0;

/** As `VideoDevice.controls`. */
export function* controls(node: IoctlSubject): Generator<ControlDescription> {
  const control = v4l2.v4l2_query_ext_ctrl.alloc();
  for (let id = 0;; id = control.id) {
    control.id = (id | NEXT) >>> 0;
    // After the last one, and where the driver has no controls.
    if (ioctlOr(node, v4l2.VIDIOC_QUERY_EXT_CTRL, control.bytes, EINVAL, ENOTTY) < 0) return;
    yield {
      id: control.id,
      type: control.type,
      name: control.name,
      minimum: Number(control.minimum),
      maximum: Number(control.maximum),
      step: Number(control.step),
      defaultValue: Number(control.default_value),
      flags: control.flags,
      elements: control.elems,
    };
  }
}

/** As `VideoDevice.menu`. */
export function* menu(node: IoctlSubject, control: ControlDescription): Generator<MenuItem> {
  const { id, type, minimum, maximum } = control;
  const numbers = type === v4l2.V4L2_CTRL_TYPE_INTEGER_MENU;
  if (!numbers && type !== v4l2.V4L2_CTRL_TYPE_MENU) return;
  const item = v4l2.v4l2_querymenu.alloc({ id });
  for (let index = minimum; index <= maximum; index++) {
    item.index = index;
    // The driver leaves it out.
    if (ioctlOr(node, v4l2.VIDIOC_QUERYMENU, item.bytes, EINVAL) < 0) continue;
    yield { index, label: numbers ? String(item.value) : item.name };
  }
}
