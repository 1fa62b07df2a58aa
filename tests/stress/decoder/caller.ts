/**
 * The decoder's video nodes, called at random. Most arguments are nearly right: what is refused at
 * the door tests the door only.
 *
 * @module
 */
import { V4L2_CID_STATELESS_AV1_SEQUENCE } from "../../../lib/uapi/av1_controls.ts";
import {
  V4L2_CID_STATELESS_H264_SPS,
  V4L2_CID_STATELESS_VP9_FRAME,
} from "../../../lib/uapi/controls.ts";
import { File, O_NONBLOCK, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";
import { CAPTURE, OUTPUT, SIDES } from "./client.ts";
import { MAX_BUFFERS, NodeCaller, type OpenFile } from "../engine/node_caller.ts";
import type { Random } from "../../harness/random.ts";
import * as uapi from "../engine/uapi.ts";

const MMAP = v4l2.V4L2_MEMORY_MMAP;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

/** Small pictures, and bitstream of the least size: 32 buffers of each fit a small guest. */
const MAX_SIDE = 64;
const OUTPUT_BYTES = 1 << 16;
const MAX_PLANES = 8;
const QUEUE_BYTES = 4 << 20;

const STATELESS = [
  v4l2.V4L2_PIX_FMT_VP9_FRAME,
  v4l2.V4L2_PIX_FMT_H264_SLICE,
  v4l2.fourcc("AV1F"),
];
const STATEFUL = [
  v4l2.V4L2_PIX_FMT_H264,
  v4l2.V4L2_PIX_FMT_VP9,
  v4l2.V4L2_PIX_FMT_MPEG2,
  v4l2.fourcc("AV01"),
];
const RAW = [v4l2.V4L2_PIX_FMT_NV12, v4l2.V4L2_PIX_FMT_NV12M, v4l2.V4L2_PIX_FMT_P010];

/** Where the numbers of each codec's stateless controls begin. */
const CONTROL_BASES = [
  V4L2_CID_STATELESS_H264_SPS,
  V4L2_CID_STATELESS_VP9_FRAME,
  V4L2_CID_STATELESS_AV1_SEQUENCE,
];

/** An open file of a node, and what is believed to be true of it. */
interface DecoderFile extends OpenFile {
  readonly stateful: boolean;
  /** Sizes of the planes of a buffer. */
  readonly planes: Record<number, number[]>;
}

/** By the formats of OUTPUT: a file that somebody else opened may be of either node. */
function isStateful(fd: number): boolean {
  const format = v4l2.v4l2_fmtdesc.alloc({ type: OUTPUT });
  tryIoctl(fd, v4l2.VIDIOC_ENUM_FMT.request, format.bytes);
  return STATEFUL.includes(format.pixelformat);
}

/** Open files of the nodes and what belongs to them, and random calls on all of it. */
export class DecoderCaller extends NodeCaller<DecoderFile> {
  constructor(random: Random) {
    super(random, {
      mediaNode: () => decoder.mediaNode(),
      output: OUTPUT,
      capture: CAPTURE,
      maxOpen: 6,
      magic: "d",
    });
  }

  // What the kernel gets addresses of has to outlive the call.
  readonly #planes = new Uint8Array(v4l2.v4l2_plane.size * MAX_PLANES);
  readonly #controls = new Uint8Array(v4l2.v4l2_ext_control.size * MAX_PLANES);
  readonly #payload = new Uint8Array(1 << 16);

  protected override readonly actions: readonly [
    weight: number,
    action: (file: DecoderFile) => void,
  ][] = [
    [8, (file) => this.#stream(file)],
    [16, (file) => this.give(file, this.side())],
    [16, (file) => this.#dequeue(file, this.side())],
    [4, (file) => this.#restart(file, CAPTURE)],
    [1, (file) => this.#restart(file, OUTPUT)],
    [2, (file) => this.#setFormat(file, this.side())],
    [3, (file) => this.#requestBuffers(file, this.side())],
    [2, (file) => this.#createBuffers(file, this.side())],
    [2, (file) => this.removeBuffers(file, this.side())],
    [4, (file) => this.map(file, this.side())],
    [2, (file) => this.touch(file)],
    [2, () => this.drop(this.mappings)?.close()],
    [3, (file) => this.#export(file, this.side())],
    [1, () => this.drop(this.importables)?.close()],
    [3, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMON, this.side())],
    [3, (file) => this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, this.side())],
    [6, (file) => this.setControls(file, 0, -1)],
    [3, (file) => this.request(file)],
    [2, () => this.reuseRequest()],
    [2, (file) => this.poll(file)],
    [5, (file) => this.#command(file)],
    [2, (file) => this.#select(file)],
    [4, (file) => this.#events(file)],
    [3, (file) => this.anything(file)],
    [1, (file) => this.duplicate(file)],
    [1, () => this.closeFile()],
  ];

  /** Adds an open file: `fd`, or a new one. */
  override open(fd?: number): DecoderFile {
    const path = this.random.pick([decoder.videoNode(), statefulNode()]);
    fd ??= File.open(path, O_RDWR | O_NONBLOCK).fd;
    const file = {
      path,
      fd,
      stateful: isStateful(fd),
      memory: { [OUTPUT]: MMAP, [CAPTURE]: MMAP },
      buffers: { [OUTPUT]: 4, [CAPTURE]: 4 },
      planes: { [OUTPUT]: [OUTPUT_BYTES], [CAPTURE]: [4096] },
      requests: false,
    };
    this.files.push(file);
    // The default is too large for many of them.
    this.tamely(() => this.#setFormat(file, OUTPUT));
    return file;
  }

  #memoryKind(): number {
    return this.wildly(0.1) ? this.random.below(6) : this.random.pick([MMAP, MMAP, DMABUF]);
  }

  /** A complete stream from its format on, left running. */
  #stream(file: DecoderFile): void {
    const { random } = this;
    this.tamely(() => {
      for (const side of SIDES) {
        this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
        this.#requestBuffers(file, side, 0);
      }
      this.#setFormat(file, OUTPUT);
      this.#setFormat(file, CAPTURE);
      file.requests = !file.stateful && random.chance(0.4);
      for (const side of SIDES) this.#requestBuffers(file, side, random.between(1, 4));
      for (const side of random.shuffle(SIDES)) {
        for (let i = 0; i < file.buffers[side]; i++) this.give(file, side, i);
        this.startOrStop(file, v4l2.VIDIOC_STREAMON, side);
      }
      for (let i = random.below(12); i > 0; i--) {
        const side = this.side();
        const index = this.#dequeue(file, side);
        if (index >= 0) this.give(file, side, index);
      }
    });
  }

  /** New buffers on one side, as a stream wants them that becomes different. */
  #restart(file: DecoderFile, side: number): void {
    this.tamely(() => {
      this.startOrStop(file, v4l2.VIDIOC_STREAMOFF, side);
      this.#requestBuffers(file, side, 0);
      this.#refresh(file);
      this.#requestBuffers(file, side, this.random.between(1, 4));
      for (let i = 0; i < file.buffers[side]; i++) this.give(file, side, i);
      this.startOrStop(file, v4l2.VIDIOC_STREAMON, side);
    });
  }

  #setFormat(file: DecoderFile, type: number): void {
    const { random } = this;
    const format = v4l2.v4l2_format_mplane.alloc({
      type,
      width: random.between(1, MAX_SIDE),
      height: random.between(1, MAX_SIDE),
      pixelformat: random.pick(type === CAPTURE ? RAW : file.stateful ? STATEFUL : STATELESS),
      field: v4l2.V4L2_FIELD_NONE,
      sizeimage: OUTPUT_BYTES,
      num_planes: 1,
    });
    this.spoil(format.bytes);
    // Wild sizes are tried, not set: they would take all memory.
    const fits = format.width <= MAX_SIDE && format.height <= MAX_SIDE &&
      format.sizeimage <= OUTPUT_BYTES;
    const trial = random.chance(0.1) || !fits;
    this.ioctl(file.fd, trial ? uapi.VIDIOC_TRY_FMT : v4l2.VIDIOC_S_FMT, format.bytes);
    this.#refresh(file);
  }

  /** Planes as they are now: whoever shares the file may have changed them. */
  #refresh(file: DecoderFile): void {
    for (const type of SIDES) {
      const format = v4l2.v4l2_format_mplane.alloc({ type });
      if (tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes) < 0) return;
      const first = v4l2.v4l2_format_mplane.fields.sizeimage.offset;
      const { size } = v4l2.v4l2_plane_pix_format;
      file.planes[type] = Array.from(
        { length: format.num_planes },
        (_, i) => v4l2.v4l2_plane_pix_format.at(format.bytes, first + i * size).sizeimage,
      );
    }
  }

  /** A daemon can have made pictures larger than this process would. */
  #affordable(file: DecoderFile, side: number, count: number): number {
    this.#refresh(file);
    const size = file.planes[side].reduce((sum, plane) => sum + plane, 0);
    return Math.min(count, MAX_BUFFERS) * size <= QUEUE_BYTES ? count : Math.min(count, 1);
  }

  #requestBuffers(
    file: DecoderFile,
    side: number,
    count = this.random.pick([0, 0, 1, 2, 4, 32, 99]),
  ) {
    const memory = this.#memoryKind();
    const request = v4l2.v4l2_requestbuffers.alloc({ count, type: side, memory });
    this.spoil(request.bytes);
    request.count = this.#affordable(file, side, request.count);
    if (this.ioctl(file.fd, v4l2.VIDIOC_REQBUFS, request.bytes) < 0) return;
    file.memory[side] = memory;
    file.buffers[side] = request.count;
  }

  #createBuffers(file: DecoderFile, type: number): void {
    const { random } = this;
    const bytes = new Uint8Array(uapi.v4l2_create_buffers.size);
    const request = uapi.v4l2_create_buffers.at(bytes);
    Object.assign(request, {
      type,
      memory: random.chance(0.8) ? file.memory[type] : this.#memoryKind(),
      count: random.pick([0, 1, 1, 2, 40]),
    });
    request.count = this.#affordable(file, type, request.count);
    const format = v4l2.v4l2_format_mplane.at(bytes, uapi.v4l2_create_buffers.fields.type.offset);
    tryIoctl(file.fd, v4l2.VIDIOC_G_FMT.request, format.bytes);
    if (this.wildly(0.3)) format.sizeimage = random.pick([0, 1, format.sizeimage - 1, 1 << 20]);
    if (this.wildly(0.1)) format.num_planes = random.below(9);
    if (this.ioctl(file.fd, uapi.VIDIOC_CREATE_BUFS, bytes) >= 0) {
      file.buffers[type] += request.count;
    }
  }

  #buffer(file: DecoderFile, type: number, index: number) {
    const buffer = v4l2.v4l2_buffer.alloc({ index, type, memory: file.memory[type] });
    this.#planes.fill(0);
    buffer.planes = addressOf(this.#planes);
    buffer.length = file.planes[type].length;
    return buffer;
  }

  #plane(i: number) {
    return v4l2.v4l2_plane.at(this.#planes, i * v4l2.v4l2_plane.size);
  }

  protected override enqueue(
    file: DecoderFile,
    side: number,
    index: number,
    request?: number,
  ): void {
    const { random } = this;
    const buffer = this.#buffer(file, side, index);
    buffer.timestamp_usec = random.below(random.pick([2, 1000]));
    if (side === OUTPUT && random.chance(0.2)) {
      buffer.flags = uapi.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
    }
    for (const [i, size] of file.planes[side].entries()) {
      const plane = this.#plane(i);
      plane.length = size;
      plane.bytesused = side === OUTPUT ? random.pick([0, 1, 100, size]) : 0;
      if (this.wildly(0.02)) plane.data_offset = random.below(100);
      if (buffer.memory === DMABUF) plane.fd = this.importable(size).fd;
    }
    if (request !== undefined) {
      buffer.flags |= v4l2.V4L2_BUF_FLAG_REQUEST_FD;
      buffer.request_fd = request;
    }
    this.spoil(this.random.chance(0.5) ? buffer.bytes : this.#planes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_PREPARE_BUF : v4l2.VIDIOC_QBUF;
    this.ioctl(file.fd, call, buffer.bytes);
  }

  /** Returns the index of the buffer, or the negated errno. */
  #dequeue(file: DecoderFile, side: number): number {
    const buffer = this.#buffer(file, side, 0);
    if (this.wildly(0.1)) buffer.length = this.random.below(10);
    this.spoil(buffer.bytes);
    const result = this.ioctl(file.fd, v4l2.VIDIOC_DQBUF, buffer.bytes);
    if (result < 0) return result;
    if (buffer.type === CAPTURE && !(buffer.flags & v4l2.V4L2_BUF_FLAG_ERROR)) this.tally.results++;
    return buffer.index;
  }

  protected override map(file: DecoderFile, side: number): void {
    const buffer = this.#buffer(file, side, this.anyIndex(file, side));
    if (this.ioctl(file.fd, v4l2.VIDIOC_QUERYBUF, buffer.bytes) < 0) return;
    if (buffer.memory !== MMAP) return;
    const { length, mem_offset } = this.#plane(0);
    const offset = this.wildly(0.05) ? this.random.next() : mem_offset;
    if (length > 0) this.keep(this.mappings, Mapping.shared(file, length, offset));
  }

  #export(file: DecoderFile, type: number): void {
    const index = this.anyIndex(file, type);
    const plane = this.wildly(0.2) ? this.random.below(3) : 0;
    const request = v4l2.v4l2_exportbuffer.alloc({ type, index, plane, flags: O_RDWR });
    this.spoil(request.bytes);
    if (this.ioctl(file.fd, v4l2.VIDIOC_EXPBUF, request.bytes) < 0) return;
    const exported = new File("exported buffer", request.fd);
    const [size] = file.planes[type];
    this.keep(this.importables, { fd: exported.fd, size, close: () => exported.close() });
  }

  /** Stateless controls: what they are set to is read first, then a little of it changed. */
  protected override setControls(file: DecoderFile, which: number, request_fd: number): void {
    const { random } = this;
    const control = v4l2.v4l2_ext_control.at(this.#controls);
    // H.264 has two before that, and a codec has eight at most.
    const id = random.pick(CONTROL_BASES) + random.between(-2, 6);
    Object.assign(control, { id, size: this.#payload.length });
    control.ptr = addressOf(this.#payload);
    const argument = v4l2.v4l2_ext_controls.alloc({
      which: 0,
      count: 1,
      request_fd: 0,
      controls: addressOf(this.#controls),
    });
    if (this.ioctl(file.fd, uapi.VIDIOC_G_EXT_CTRLS, argument.bytes) < 0) return;
    for (let i = random.below(3); i > 0; i--) {
      this.#payload[random.below(Math.max(control.size, 1))] = random.pick([0, 1, 2, 8, 10, 255]);
    }
    Object.assign(argument, { which, request_fd });
    if (this.wildly(0.1)) control.size = random.below(20_000);
    this.ioctl(file.fd, v4l2.VIDIOC_S_EXT_CTRLS, argument.bytes);
  }

  #command(file: DecoderFile): void {
    const { V4L2_DEC_CMD_START, V4L2_DEC_CMD_STOP } = v4l2;
    const common = file.stateful
      ? [V4L2_DEC_CMD_START, V4L2_DEC_CMD_STOP]
      : [uapi.V4L2_DEC_CMD_FLUSH];
    const cmd = this.wildly(0.1) ? this.random.below(6) : this.random.pick(common);
    const argument = v4l2.v4l2_decoder_cmd.alloc({ cmd });
    this.spoil(argument.bytes);
    const call = this.wildly(0.1) ? uapi.VIDIOC_TRY_DECODER_CMD : v4l2.VIDIOC_DECODER_CMD;
    this.ioctl(file.fd, call, argument.bytes);
  }

  #select(file: DecoderFile): void {
    const { random } = this;
    const target = random.pick([0, 1, 2, 0x100, 0x101, 0x102, 0x103]);
    const argument = v4l2.v4l2_selection.alloc({ type: this.side(), target });
    Object.assign(argument, { width: random.below(MAX_SIDE), height: random.below(MAX_SIDE) });
    this.spoil(argument.bytes);
    const call = random.pick([v4l2.VIDIOC_G_SELECTION, uapi.VIDIOC_S_SELECTION]);
    this.ioctl(file.fd, call, argument.bytes);
  }

  #events(file: DecoderFile): void {
    const { random } = this;
    const types = [v4l2.V4L2_EVENT_EOS, v4l2.V4L2_EVENT_SOURCE_CHANGE, uapi.V4L2_EVENT_CTRL, 0];
    const subscription = v4l2.v4l2_event_subscription.alloc({ type: random.pick(types) });
    this.spoil(subscription.bytes);
    const call = random.pick([v4l2.VIDIOC_SUBSCRIBE_EVENT, uapi.VIDIOC_UNSUBSCRIBE_EVENT]);
    this.ioctl(
      file.fd,
      random.chance(0.7) ? v4l2.VIDIOC_SUBSCRIBE_EVENT : call,
      subscription.bytes,
    );
    this.ioctl(file.fd, v4l2.VIDIOC_DQEVENT, v4l2.v4l2_event.alloc().bytes);
  }
}
