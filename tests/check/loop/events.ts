/**
 * Events of the loopback node, and those who wait for them.
 *
 * @module
 */
import { EINVAL } from "../../../lib/sys/errno.ts";
import { F_SETFL, File } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { POLLOUT, POLLPRI } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { V4L2_EVENT_PRI_CLIENT_USAGE } from "../../../lib/uapi/vpipe_loop_ctl.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { delay } from "../../harness/waiting.ts";
import { loopStats, loopStatsSince } from "../../harness/nodes.ts";
import { RawWriter } from "./calls.ts";
import { numbered, openCapture, Reader } from "./client.ts";

/** That can wait in a file. */
const WAITING = 256;

/** Long enough for a call that does not wait. */
const CALL_MS = 1000;

const EPOLL_CTL_ADD = 1;

const VGA_GREY = { width: 640, height: 480, pixelformat: v4l2.V4L2_PIX_FMT_GREY };

const { symbols: calls } = Deno.dlopen("libc.so.6", {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
});
const { symbols: threaded } = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
});

/** 0, or the errno of VIDIOC_SUBSCRIBE_EVENT. */
function subscribeErrno(device: { fd: number }, type: number, id: number): number {
  const subscription = v4l2.v4l2_event_subscription.alloc({ type, id });
  return -tryIoctl(device.fd, v4l2.VIDIOC_SUBSCRIBE_EVENT.request, subscription.bytes);
}

/** An epoll instance in which the device stands for these events. */
function epollOf(device: { fd: number }, events: number): File {
  const poll = new File("epoll", calls.epoll_create1(0));
  const asked = new Uint8Array(Uint32Array.of(events, 0, 0).buffer);
  expectEqual("epoll_ctl", calls.epoll_ctl(poll.fd, EPOLL_CTL_ADD, device.fd, asked), 0);
  return poll;
}

export async function loopEventChecks(suite: Suite, node: string): Promise<void> {
  await suite.check(
    "loop: a writer that stands in an epoll instance, and asks for no buffer",
    () => {
      using writer = new RawWriter(node, VGA_GREY);
      using _ = epollOf(writer.device, POLLOUT);
      using reader = new Reader(node, "mmap");
      writer.start();
      const before = loopStats(node);
      for (let number = 0; number < 3; number++) writer.queue(number, numbered(number));
      const { copies, lost } = loopStatsSince(node, before);
      expectEqual("copies while nobody reads", copies, 0);
      expectEqual("lost frames", lost, 0);
      for (let number = 0; number < 3; number++) {
        reader.expectFrame(`frame ${number}`, number, numbered(number));
      }
      return "its frames wait for the reader as they are";
    },
  );

  await suite.check("loop: an event of another id", () => {
    using device = openCapture(node);
    for (const type of [v4l2.V4L2_EVENT_SOURCE_CHANGE, V4L2_EVENT_PRI_CLIENT_USAGE]) {
      for (const id of [1, 0xffffffff]) {
        expectEqual(`event ${type} of ${id}`, subscribeErrno(device, type, id), EINVAL);
      }
      expectEqual(`event ${type}`, subscribeErrno(device, type, 0), 0);
    }
    return "EINVAL: there is one of each, and a subscription is memory, and work for whoever tells";
  });

  await suite.check(
    "loop: a file in whose VIDIOC_DQEVENT more wait than can be woken",
    async () => {
      using device = openCapture(node);
      expectEqual("subscribed", subscribeErrno(device, V4L2_EVENT_PRI_CLIENT_USAGE, 0), 0);
      using stack = new DisposableStack();
      for (let i = 0; i < WAITING; i++) {
        stack.use(epollOf(device, POLLPRI));
      }
      calls.fcntl(device.fd, F_SETFL, 0);
      const event = v4l2.v4l2_event.alloc();
      const address = addressOf(event.bytes);
      let result: number | undefined;
      const call = threaded.ioctl(device.fd, v4l2.VIDIOC_DQEVENT.request, address)
        .then((value) => result = value);
      await Promise.race([call, delay(CALL_MS)]);
      // It waits for just that.
      using _ = new Reader(node, "mmap");
      await call;
      expectEqual("VIDIOC_DQEVENT", result, -1);
      return `an error for who comes after ${WAITING}`;
    },
  );
}
