/**
 * Calls on the decoder's files for faults to be injected into, each with what has to come before and
 * after it.
 *
 * @module
 */
import { V4L2_CID_STATELESS_VP9_FRAME } from "../../../lib/uapi/v4l2_controls_vp9.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EINVAL } from "../../../lib/sys/errno.ts";
import { File, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import { MEDIA_IOC_REQUEST_ALLOC, MEDIA_REQUEST_IOC_QUEUE } from "../../../lib/uapi/media.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import * as dec from "../../../lib/uapi/vpipe_dec.ts";
import { HEAP } from "../../harness/context.ts";
import { decoder, SESSION } from "../../harness/nodes.ts";
import { Answering } from "./answering.ts";
import { Bridge } from "./bridge.ts";
import { CAPTURE, DecoderClient, OUTPUT, type Side } from "./client.ts";
import { statefulTrials } from "./stateful_trials.ts";
import { buffersOf, call, int, moduleTrials, opening, type Trial } from "../engine/trial.ts";

const MMAP = v4l2.V4L2_MEMORY_MMAP;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;
const CONTROLS = 5000;

// What the kernel gets an address of has to outlive the call.
const plane = v4l2.v4l2_plane.alloc();
const payload = new Uint8Array(CONTROLS);
const control = v4l2.v4l2_ext_control.alloc();

function buffer(type: Side, memory: number) {
  plane.bytes.fill(0);
  return v4l2.v4l2_buffer.alloc({ type, memory, length: 1, planes: addressOf(plane.bytes) });
}

/** What V4L2's core itself takes for the planes of a call: counted, as it is called by the module. */
const CORES = 2;

/** A client beside a daemon that takes its stream; both are closed after the trial. */
const on = (
  name: string,
  run: (client: DecoderClient, daemon: Answering, inject: Parameters<Trial["run"]>[0]) => void,
  more?: Partial<Trial>,
): Trial => ({
  name,
  ...more,
  run(inject) {
    using daemon = new Answering();
    using client = new DecoderClient(decoder.videoNode(), { requests: true });
    run(client, daemon, inject);
  },
});

/** The current value of the parameters of VP9, set in a request or at once. */
function controls(device: { fd: number }, request_fd?: number): Uint8Array<ArrayBuffer> {
  const size = payload.length;
  Object.assign(control, { id: V4L2_CID_STATELESS_VP9_FRAME, size, ptr: addressOf(payload) });
  const argument = v4l2.v4l2_ext_controls.alloc({ count: 1, controls: addressOf(control.bytes) });
  tryIoctl(device.fd, v4l2.VIDIOC_G_EXT_CTRLS.request, argument.bytes);
  if (request_fd !== undefined) {
    Object.assign(argument, { which: v4l2.V4L2_CTRL_WHICH_REQUEST_VAL, request_fd });
  }
  return argument.bytes;
}

function request(): File {
  using media = File.open(decoder.mediaNode(), O_RDWR);
  const argument = Int32Array.of(-1);
  ioctl(media, MEDIA_IOC_REQUEST_ALLOC, new Uint8Array(argument.buffer));
  return new File("media request", argument[0]);
}

/**
 * Calls on the nodes, in the order in which client and daemon come to them.
 * That a request's values are kept for whoever asks for them later costs V4L2's core memory.
 */
function nodeTrials(): Trial[] {
  const requests: Trial[] = [false, true].map((withControls) =>
    on(
      `REQUEST_QUEUE ${withControls ? "with" : "without"} controls, frame`,
      (client, _daemon, inject) => {
        client.start();
        using media = request();
        if (withControls) {
          ioctl(
            client.device,
            v4l2.VIDIOC_S_EXT_CTRLS,
            controls(client.device, media.fd),
          );
        }
        const argument = client.output.buffers[0];
        Object.assign(argument, {
          flags: v4l2.V4L2_BUF_FLAG_REQUEST_FD,
          request_fd: media.fd,
        });
        client.output.enqueue(0, 3);
        inject(call(media, MEDIA_REQUEST_IOC_QUEUE, int(0)));
      },
    )
  );
  return [
    opening(decoder.videoNode(), O_RDWR),
    ...([[OUTPUT, "OUTPUT"], [CAPTURE, "CAPTURE"]] as const).map(([side, word]) =>
      on(`REQBUFS ${word}`, (client, _daemon, inject) => {
        client.tryFree(side);
        inject(call(client.device, v4l2.VIDIOC_REQBUFS, buffersOf(side, MMAP)));
      })
    ),
    on("CREATE_BUFS", (client, _daemon, inject) => {
      const bytes = new Uint8Array(v4l2.v4l2_create_buffers.size);
      Object.assign(v4l2.v4l2_create_buffers.at(bytes), { count: 2, memory: MMAP, type: CAPTURE });
      const { type } = v4l2.v4l2_create_buffers.fields;
      const format = v4l2.v4l2_format_mplane.at(bytes, type.offset);
      ioctl(client.device, v4l2.VIDIOC_G_FMT, format.bytes);
      inject(call(client.device, v4l2.VIDIOC_CREATE_BUFS, bytes));
    }),
    // videobuf2 gives EINVAL for whatever goes wrong in the export.
    on("EXPBUF", (client, _daemon, inject) => {
      const argument = v4l2.v4l2_exportbuffer.alloc({ type: CAPTURE, flags: O_RDWR });
      if (inject(call(client.device, v4l2.VIDIOC_EXPBUF, argument.bytes)) >= 0) {
        libc.close(argument.fd);
      }
    }, { errnos: [EINVAL] }),
    on("QBUF DMABUF", (client, _daemon, inject) => {
      using dmabuf = allocateFromHeap(HEAP, 1 << 16);
      using holder = new DecoderClient(decoder.videoNode());
      const argument = buffer(OUTPUT, DMABUF);
      const { fd } = dmabuf;
      for (const { device } of [holder, client]) {
        ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, MMAP, 0));
        ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, DMABUF));
      }
      Object.assign(plane, { fd, length: 1 << 16, bytesused: 3 });
      // Without memory to map a dma-buf, the kernel warns: have it mapped already.
      ioctl(holder.device, v4l2.VIDIOC_QBUF, argument.bytes);
      inject(call(client.device, v4l2.VIDIOC_QBUF, argument.bytes));
    }),
    on("S_EXT_CTRLS of a request", (client, _daemon, inject) => {
      using media = request();
      const argument = controls(client.device, media.fd);
      inject(call(client.device, v4l2.VIDIOC_S_EXT_CTRLS, argument));
    }),
    // The stream begins with the first queue.
    on("STREAMON, stream", (client, _daemon, inject) => {
      inject(() => client.tryStart(OUTPUT));
    }),
    // What the daemon maps is made ready once a buffer.
    on("QBUF, first frame", (client, _daemon, inject) => {
      client.start();
      const argument = buffer(OUTPUT, MMAP);
      plane.bytesused = 3;
      inject(call(client.device, v4l2.VIDIOC_QBUF, argument.bytes));
    }),
    on("QBUF, next frame", (client, daemon, inject) => {
      client.start();
      daemon.accept();
      const { file } = daemon.latest;
      // START
      file.read();
      for (const _ of client.capture.buffers) {
        client.output.enqueue(0, 3);
        file.read();
        file.done(file.header.cookie);
        client.capture.enqueue(client.capture.dequeue());
        client.output.reclaim();
      }
      const argument = buffer(OUTPUT, MMAP);
      plane.bytesused = 3;
      inject(call(client.device, v4l2.VIDIOC_QBUF, argument.bytes));
    }, { most: CORES }),
    ...requests,
    opening(SESSION, O_RDWR),
    on("HELLO", (_client, daemon, inject) => {
      daemon.bridge.close();
      using bridge = new Bridge();
      inject(() => bridge.hello());
    }, { most: 0 }),
    on("IOC_STREAM", (client, daemon, inject) => {
      client.start();
      const stream = daemon.bridge.announced();
      const fd = inject(() => daemon.bridge.open(stream));
      if (fd >= 0) libc.close(fd);
    }),
    ...[dec.VPIPE_DEC_QUEUE_OUTPUT, dec.VPIPE_DEC_QUEUE_CAPTURE].map((queue) =>
      on(`IOC_BUFFER of queue ${queue}`, (client, daemon, inject) => {
        client.start();
        daemon.accept();
        // Of a buffer that the daemon has or is about to get.
        client.output.enqueue(0, 3);
        let fd = -1;
        inject(() => {
          const { result, argument } = daemon.latest.file.buffer(queue, 0);
          fd = result < 0 ? -1 : argument.fd;
          return result;
        });
        if (fd >= 0) libc.close(fd);
      })
    ),
    on("read, frame, and DONE", (client, daemon, inject) => {
      client.start();
      daemon.accept();
      client.send(0, [1]);
      const { file } = daemon.latest;
      inject(() => {
        const start = file.read();
        const frame = file.read();
        return Math.min(start, frame, file.done(file.header.cookie));
      });
    }, { most: 0 }),
  ];
}

/** All trials, loading the module last: it takes longest and has the most places. */
export function decoderTrials(module: string): Trial[] {
  return [...nodeTrials(), ...statefulTrials(), ...moduleTrials(decoder, "vpipe_dec", module)];
}
