/**
 * Calls in the life of a stateful stream for faults to be injected into. What a frame or a change
 * costs must not be memory: who asks for none cannot fail.
 *
 * @module
 */
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { O_RDWR } from "../../../lib/sys/file.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { Answering } from "./answering.ts";
import { CAPTURE, OUTPUT } from "./client.ts";
import { StatefulClient } from "./stateful_client.ts";
import { MMAP } from "../filter/fault_trials.ts";
import { buffersOf, type Inject, opening, type Trial } from "../engine/trial.ts";

const SIZE = { width: 64, height: 48 };

/** A client beside a daemon that takes its stream; both are closed after the trial. */
const on = (
  name: string,
  run: (client: StatefulClient, daemon: Answering, inject: Inject) => void,
  more?: Partial<Trial>,
): Trial => ({
  name: `stateful ${name}`,
  ...more,
  run(inject) {
    using daemon = new Answering();
    using client = new StatefulClient(statefulNode(), 2);
    run(client, daemon, inject);
  },
});

// What V4L2's core itself takes for the planes of a call: counted, as it is called by the module.
const frugal = { most: 2 };

/** Both queues streaming and known to the daemon, which has read all. */
function begin(client: StatefulClient, daemon: Answering) {
  client.lend();
  client.begin(CAPTURE);
  client.begin(OUTPUT);
  daemon.accept();
  const { file } = daemon.latest;
  while (file.read() > 0);
  return file;
}

/** Reads all that there is; the cookie of the last message. */
function readAll(file: ReturnType<typeof begin>): bigint {
  while (file.read() > 0);
  return file.header.cookie;
}

/** In the order in which client and daemon come to them. */
export function statefulTrials(): Trial[] {
  return [
    opening(statefulNode(), O_RDWR),
    on("SUBSCRIBE_EVENT", (client, _daemon, inject) => {
      const { request } = v4l2.VIDIOC_SUBSCRIBE_EVENT;
      const { bytes } = v4l2.v4l2_event_subscription.alloc({
        type: v4l2.V4L2_EVENT_SOURCE_CHANGE,
      });
      inject(() => tryIoctl(client.device.fd, request, bytes));
    }),
    on("STREAMON OUTPUT, stream", (client, _daemon, inject) => {
      inject(() => client.tryStart(OUTPUT));
    }),
    on("STREAMON CAPTURE, stream", (client, _daemon, inject) => {
      client.lend();
      inject(() => client.tryStart(CAPTURE));
    }),
    // What the daemon maps is made ready once a buffer.
    on("STREAMON CAPTURE of a stream", (client, _daemon, inject) => {
      client.begin(OUTPUT);
      client.lend();
      inject(() => client.tryStart(CAPTURE));
    }),
    on("FORMAT, a change", (client, daemon, inject) => {
      const file = begin(client, daemon);
      client.frame(0);
      const cookie = readAll(file);
      inject(() => file.format(cookie, { width: 32, height: 32 }));
    }, frugal),
    on("FORMAT, no change", (client, daemon, inject) => {
      const file = begin(client, daemon);
      client.frame(0);
      const cookie = readAll(file);
      inject(() => file.format(cookie, SIZE));
    }, frugal),
    on("read of EMPTY and DECODE, PICTURE and DONE", (client, daemon, inject) => {
      const file = begin(client, daemon);
      client.frame(0);
      const source = readAll(file);
      file.format(source, SIZE);
      inject(() => {
        const capture = file.read();
        const empty = file.read();
        const picture = file.picture(file.header.cookie, { source });
        return Math.min(capture, empty, picture, file.done(source));
      });
    }, frugal),
    on("REQBUFS after a change", (client, daemon, inject) => {
      const file = begin(client, daemon);
      client.frame(0);
      file.format(readAll(file), { width: 128, height: 128 });
      client.stop(CAPTURE);
      client.tryFree(CAPTURE);
      const argument = buffersOf(CAPTURE, MMAP);
      inject(() => tryIoctl(client.device.fd, v4l2.VIDIOC_REQBUFS.request, argument));
    }),
    on("DEC_CMD_STOP, DRAINED and DEC_CMD_START", (client, daemon, inject) => {
      const file = begin(client, daemon);
      inject(() => {
        const stop = client.command(v4l2.V4L2_DEC_CMD_STOP);
        const drain = file.read();
        const drained = file.drained(file.header.cookie);
        return Math.min(stop, drain, drained, client.command(v4l2.V4L2_DEC_CMD_START));
      });
    }, frugal),
    on("STREAMOFF and STREAMON, a seek", (client, daemon, inject) => {
      begin(client, daemon);
      inject(() => {
        client.stop(OUTPUT);
        return client.tryStart(OUTPUT);
      });
    }, { most: 8 }),
  ];
}
