/**
 * A fixture round and round through the decoder, always with all of its buffers in flight.
 *
 * @module
 */
import { Poller, POLLERR, POLLIN } from "../../../lib/sys/poll.ts";
import {
  type DecoderStream,
  StatelessDecoder,
} from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { type Fixture, sequencesOf } from "./decode.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

const BUFFERS = 8;

/** An open node, streaming the first sequence of a fixture. */
export class DecodingLoop implements Disposable {
  readonly #node: StatelessDecoder;
  readonly #stream: DecoderStream;
  readonly #units: readonly { readonly data: Uint8Array }[];
  readonly #poller: Poller;
  #sent = 0;
  /** Frames that came back with a picture, and without. */
  whole = 0;
  failed = 0;

  constructor(node: string, { bytes }: Fixture) {
    const [units] = sequencesOf(bytes);
    const [{ sequence }] = units;
    const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
    this.#units = units;
    this.#node = new StatelessDecoder(node);
    this.#stream = this.#node.start(sequence, { buffers: BUFFERS, largest, format: undefined });
    this.#poller = new Poller(this.#stream.capture.device, POLLIN);
  }

  /** Queues frames until there is no room for more. */
  fill(): void {
    while (!this.#stream.isFull) {
      this.#stream.submit(this.#units[this.#sent++ % this.#units.length].data);
    }
  }

  /** Dequeues all that is done, waiting up to `ms` for the first; queues nothing but pictures. */
  take(ms: number): void {
    const { capture } = this.#stream;
    if (!(this.#poller.wait(ms) & (POLLIN | POLLERR))) return;
    for (let index = capture.dequeue(); index >= 0; index = capture.dequeue()) {
      this.#stream.collect();
      if (!this.#stream.damaged) this.whole++;
      else this.failed++;
      capture.enqueue(index);
    }
  }

  /** Streams until so many frames have come back whole, and fills up; none may come back otherwise. */
  async run(wanted: number): Promise<void> {
    while (this.whole < wanted) {
      expectEqual("frames without a picture of a daemon that works", this.failed, 0);
      this.fill();
      this.take(100);
      await delay(0);
    }
    this.fill();
  }

  /** Dequeues until nothing is in flight. */
  takeAll(): void {
    const end = performance.now() + NEVER_MS;
    while (this.#stream.inFlight > 0) {
      expect(performance.now() < end, `${this.#stream.inFlight} frames do not come back`);
      this.take(10);
    }
  }

  [Symbol.dispose](): void {
    this.#stream.close();
    this.#node[Symbol.dispose]();
  }
}
