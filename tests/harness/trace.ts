/**
 * Trace events of the running kernel, in an instance of their own: nobody else's tracing is touched.
 *
 * @module
 */
import { exists } from "./modules.ts";
import { expect, expectEqual, Skip } from "./suite.ts";

const TRACEFS = "/sys/kernel/tracing";

/** An event, by the names of its fields. */
export interface TraceEvent {
  readonly name: string;
  /** CLOCK_MONOTONIC, in whole microseconds. */
  readonly us: number;
  readonly fields: Readonly<Record<string, number>>;
}

/** Events of one module while it is open. */
export class Tracing implements Disposable {
  /** Of the instance. */
  readonly folder: string;
  readonly #names: readonly string[];

  /**
   * @param system what tracefs calls the module
   * @param names the events that it has to have
   */
  constructor(system: string, ...names: string[]) {
    if (!exists(`${TRACEFS}/instances`)) throw new Skip(`there is no ${TRACEFS}: it cannot trace`);
    for (const name of names) {
      const event = `${TRACEFS}/events/${system}/${name}`;
      expect(exists(event), `there is no ${event}`);
    }
    this.#names = names;
    this.folder = `${TRACEFS}/instances/vpipe-check-${Deno.pid}`;
    Deno.mkdirSync(this.folder);
    try {
      this.#write("trace_clock", "mono");
      this.#write(`events/${system}/enable`, "1");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #write(file: string, value: string): void {
    Deno.writeTextFileSync(`${this.folder}/${file}`, value);
  }

  /** Traces other events beside the module's: `sched/sched_switch`. */
  enable(event: string): void {
    this.#write(`events/${event}/enable`, "1");
  }

  /** Ends the trace. The file has its text. */
  text(): string {
    this.#write("tracing_on", "0");
    return `${this.folder}/trace`;
  }

  /** What has happened, the oldest first; there may be nothing else, and nothing that was lost. */
  events(): TraceEvent[] {
    const text = Deno.readTextFileSync(this.text());
    expect(!/LOST \d+ EVENTS/.test(text), "events were lost");
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return lines.map((line) => {
      const [, seconds, us, name, fields] = /\s(\d+)\.(\d{6}): (\w+): (.*)$/.exec(line) ?? [];
      expect(this.#names.includes(name), `not an event that is known: ${line}`);
      const pairs = fields.split(" ").map((field) => field.split("="));
      return {
        name,
        us: Number(seconds) * 1e6 + Number(us),
        fields: Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)])),
      };
    });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder);
  }
}

/**
 * The place of the one event that has this name and these fields, which has to be behind `after`.
 *
 * @param after the place of an event, -1 for none
 */
export function placeOf(
  events: readonly TraceEvent[],
  name: string,
  fields: TraceEvent["fields"],
  after = -1,
): number {
  const what = `${name} ${JSON.stringify(fields)}`;
  const places = events.flatMap((event, place) =>
    event.name === name && Object.keys(fields).every((key) => event.fields[key] === fields[key])
      ? [place]
      : []
  );
  expectEqual(`count of ${what}`, places.length, 1);
  expect(places[0] > after, `${what} is in place ${places[0]}, expected behind ${after}`);
  return places[0];
}
