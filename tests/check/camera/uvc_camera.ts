/**
 * A USB camera that is a program: one format, one size, one rate, by a bulk endpoint.
 *
 * Numbers and layouts are of the USB Device Class Definition for Video Devices 1.0; the kernel has some of
 * them in linux/usb/video.h.
 *
 * @module
 */
import { EPIPE, type Transfer, UsbDevice } from "./usb_device.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export const WIDTH = 160;
export const HEIGHT = 120;
/** Of YUYV. */
export const FRAME_BYTES = 2 * WIDTH * HEIGHT;
export const FPS = 10;
export const NAME = "vpipe test camera";

/** Of what UVC has: 100 ns. */
const INTERVAL = 10_000_000 / FPS;
const PAYLOAD = 16384;
/** A payload's own, before its data. */
const PAYLOAD_HEADER = 2;
const END_OF_HEADER = 0x80;
const END_OF_FRAME = 0x02;

const CONTROL_INTERFACE = 0;
const STREAMING_INTERFACE = 1;
const ENDPOINT = 1;
const CS_INTERFACE = 0x24;
/** The most that a control request of this camera has. */
const PROBE_BYTES = 26;

const u16 = (value: number) => [value & 0xff, value >> 8];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];

/** A descriptor: its length goes in front. */
const descriptor = (...bytes: number[]) => [bytes.length + 1, ...bytes];

const guid = [
  ...new TextEncoder().encode("YUY2"),
  0,
  0,
  0x10,
  0,
  0x80,
  0,
  0,
  0xaa,
  0,
  0x38,
  0x9b,
  0x71,
];

function deviceDescriptor(): number[] {
  // A device of several interfaces that belong together; the Linux Foundation's vendor id.
  const [manufacturer, product, configurations] = [1, 2, 1];
  return descriptor(
    ...[1, ...u16(0x0200), 0xef, 2, 1, 64, ...u16(0x1d6b), ...u16(0x0102), ...u16(0x0100)],
    ...[manufacturer, product, 0, configurations],
  );
}

function configuration(): number[] {
  const camera = descriptor(CS_INTERFACE, 2, 1, ...u16(0x0201), 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0);
  const output = descriptor(CS_INTERFACE, 3, 2, ...u16(0x0101), 0, 1, 0);
  const controlBytes = 13 + camera.length + output.length;
  const control = [
    ...descriptor(4, CONTROL_INTERFACE, 0, 0, 0x0e, 1, 0, 2),
    ...descriptor(
      ...[CS_INTERFACE, 1, ...u16(0x0100), ...u16(controlBytes), ...u32(1_000_000)],
      ...[1, STREAMING_INTERFACE],
    ),
    ...camera,
    ...output,
  ];
  const format = descriptor(CS_INTERFACE, 4, 1, 1, ...guid, 16, 1, 0, 0, 0, 0);
  const bits = FRAME_BYTES * 8 * FPS;
  const frame = descriptor(
    ...[CS_INTERFACE, 5, 1, 0, ...u16(WIDTH), ...u16(HEIGHT), ...u32(bits), ...u32(bits)],
    ...[...u32(FRAME_BYTES), ...u32(INTERVAL), 1, ...u32(INTERVAL)],
  );
  const colour = descriptor(CS_INTERFACE, 13, 1, 1, 4);
  const streamBytes = 14 + format.length + frame.length + colour.length;
  const stream = [
    ...descriptor(4, STREAMING_INTERFACE, 0, 1, 0x0e, 2, 0, 0),
    ...descriptor(
      ...[CS_INTERFACE, 1, 1, ...u16(streamBytes), 0x80 | ENDPOINT, 0, 2, 0, 0, 0, 1, 0],
    ),
    ...format,
    ...frame,
    ...colour,
    ...descriptor(5, 0x80 | ENDPOINT, 2, ...u16(512), 0),
  ];
  const association = descriptor(11, CONTROL_INTERFACE, 2, 0x0e, 3, 0, 2);
  const rest = [...association, ...control, ...stream];
  return [...descriptor(2, ...u16(9 + rest.length), 2, 1, 0, 0x80, 250), ...rest];
}

/** In UTF-16, or with index 0 which language: English. */
function text(index: number): number[] {
  if (index === 0) return descriptor(3, ...u16(0x0409));
  const string = index === 1 ? "vpipe" : NAME;
  return descriptor(3, ...Array.from(string).flatMap((letter) => u16(letter.charCodeAt(0))));
}

/** What host and camera agree on: there is no choice. */
const probe = (): number[] => [
  ...[0, 0, 1, 1, ...u32(INTERVAL), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[...u32(FRAME_BYTES), ...u32(PAYLOAD)],
];

/** Requests of a video class: the first ones ask for values, of which there is one. */
const ANSWERS: Readonly<Record<number, () => number[]>> = {
  0x81: probe,
  0x82: probe,
  0x83: probe,
  0x84: probe,
  0x85: () => u16(PROBE_BYTES),
  0x86: () => [3],
  0x87: probe,
};

/** Frame `number`: grey, a shade of its own. */
export const shadeOf = (number: number): number => 16 + number % 200;

function frameOf(number: number): Bytes {
  const frame = new Uint8Array(FRAME_BYTES).fill(128);
  for (let i = 0; i < FRAME_BYTES; i += 2) frame[i] = shadeOf(number);
  return frame;
}

/** A frame as payloads, of which each has the frame's parity. */
function* payloads(number: number): Generator<Bytes> {
  const frame = frameOf(number);
  const most = PAYLOAD - PAYLOAD_HEADER;
  for (let at = 0; at < frame.length; at += most) {
    const part = frame.subarray(at, at + most);
    const end = at + most >= frame.length ? END_OF_FRAME : 0;
    const payload = new Uint8Array(PAYLOAD_HEADER + part.length);
    payload.set([PAYLOAD_HEADER, END_OF_HEADER | end | number & 1]);
    payload.set(part, PAYLOAD_HEADER);
    yield payload;
  }
}

/** The camera, until it goes out of scope. */
export class UvcCamera implements AsyncDisposable {
  readonly #transfers: Transfer[] = [];
  readonly #timer: number;
  #device: UsbDevice | undefined;
  #ready: Bytes[] = [];
  #number = 0;

  private constructor() {
    this.#timer = setInterval(() => this.#nextFrame(), 1000 / FPS);
  }

  /** @param socket path of a socket, which is made */
  static async plugIn(socket: string): Promise<UvcCamera> {
    const camera = new UvcCamera();
    camera.#device = await UsbDevice.plugIn(socket, (transfer) => camera.#begin(transfer));
    return camera;
  }

  #begin(transfer: Transfer): void {
    if (transfer.endpoint === ENDPOINT) {
      this.#transfers.push(transfer);
      this.#send();
      return;
    }
    const answer = this.#control(transfer.setup);
    if (answer === undefined) this.#device?.fail(transfer, EPIPE);
    else this.#device?.complete(transfer, Uint8Array.from(answer).slice(0, transfer.length));
  }

  /** Undefined for what there is not. */
  #control(setup: DataView): number[] | undefined {
    const [type, request] = [setup.getUint8(0), setup.getUint8(1)];
    const value = setup.getUint16(2, true);
    // The class's, to an interface: a question, or a value for the one setting that there is.
    if (type === 0xa1) {
      return setup.getUint16(4, true) === STREAMING_INTERFACE ? ANSWERS[request]?.() : undefined;
    }
    if (type === 0x21) {
      // It begins, with a whole frame.
      this.#ready = [];
      return [];
    }
    // Of the standard's questions: descriptors and states. Its orders change nothing.
    if (type !== 0x80) return type < 0x80 ? [] : [0, 0];
    const descriptors: Readonly<Record<number, () => number[]>> = {
      1: deviceDescriptor,
      2: configuration,
      3: () => text(value & 0xff),
    };
    return request === 6 ? descriptors[value >> 8]?.() : [0, 0];
  }

  #nextFrame(): void {
    // Nobody looks, or too slowly.
    if (this.#transfers.length === 0 || this.#ready.length > 0) return;
    this.#ready = [...payloads(this.#number++)];
    this.#send();
  }

  #send(): void {
    while (this.#ready.length > 0 && this.#transfers.length > 0) {
      if (this.#device?.complete(this.#transfers.shift()!, this.#ready[0])) this.#ready.shift();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const device = this.#device;
    this.#device = undefined;
    await device?.[Symbol.asyncDispose]();
  }
}
