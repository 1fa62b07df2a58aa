/**
 * Chromium without a screen, by the protocol of its developer tools.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { TextLineStream } from "@std/streams/text-line-stream";
import { CheckFailure, expect } from "../harness/suite.ts";

// Of Debian's package.
const PROGRAM = "chromium";
const OPTIONS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"],
  // Nothing is loaded: the pages are files.
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  "--remote-debugging-port=0",
];

/** Pixels of height: more takes long to draw. */
const PICTURE = 8000;

// deno-lint-ignore no-explicit-any
type Values = Record<string, any>;

/** What chromium says unasked. */
interface Event {
  readonly method: string;
  readonly params: Values;
}

/** Which chromium there is; undefined where there is none. */
export function chromiumVersion(): string | undefined {
  try {
    const { stdout } = new Deno.Command(PROGRAM, { args: ["--version"] }).outputSync();
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** One chromium with one window; it and its profile are gone when this goes out of scope. */
export class Chromium implements AsyncDisposable {
  /** Errors and warnings of the page's console, and what its scripts threw. */
  readonly complaints: string[] = [];
  readonly #answers = new Map<number, PromiseWithResolvers<Values>>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #calls = 0;
  #session: string | undefined;

  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
  ) {
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => {
      for (const answer of this.#answers.values()) answer.reject(new Error("chromium ended"));
    };
  }

  static async start(): Promise<Chromium> {
    const profile = Deno.makeTempDirSync();
    const args = [...OPTIONS, `--user-data-dir=${profile}`, "about:blank"];
    const child = new Deno.Command(PROGRAM, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const said: string[] = [];
    const [mine, rest] = child.stderr.tee();
    rest.pipeTo(new WritableStream()).catch(() => {});
    for await (
      const line of mine.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    ) {
      said.push(line);
      const [, address] = /^DevTools listening on (ws:.*)$/.exec(line) ?? [];
      if (address === undefined) continue;
      const socket = new WebSocket(address);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });
      const chromium = new Chromium(child, socket, profile);
      await chromium.#open();
      return chromium;
    }
    throw new CheckFailure(`chromium did not start: ${said.join("; ")}`);
  }

  async #open(): Promise<void> {
    const { targetInfos } = await this.call("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }: Values) => type === "page");
    const attached = await this.call("Target.attachToTarget", { targetId, flatten: true });
    this.#session = attached.sessionId;
    for (const domain of ["Page", "Runtime", "Log"]) await this.call(`${domain}.enable`);
  }

  /** Calls a method of the protocol. */
  call(method: string, params: Values = {}): Promise<Values> {
    const id = ++this.#calls;
    const answer = Promise.withResolvers<Values>();
    this.#answers.set(id, answer);
    this.socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return answer.promise;
  }

  #take(message: Event & { id?: number; result: Values; error?: { message: string } }): void {
    const { id, result, error, method, params } = message;
    if (id !== undefined) {
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error) answer?.reject(new Error(error.message));
      else answer?.resolve(result);
      return;
    }
    this.#waiting.get(method)?.resolve();
    this.#waiting.delete(method);
    const complaint = complaintOf({ method, params });
    if (complaint !== undefined) this.complaints.push(complaint);
  }

  /** Opens a file, and waits until it and its scripts are loaded. */
  async show(path: string): Promise<void> {
    const loaded = Promise.withResolvers<void>();
    this.#waiting.set("Page.loadEventFired", loaded);
    const { errorText } = await this.call("Page.navigate", { url: `file://${path}` });
    expect(errorText === undefined, `${path}: ${errorText}`);
    await loaded.promise;
  }

  /** The value of an expression in the page, which may be a promise. */
  // deno-lint-ignore no-explicit-any
  async value(expression: string): Promise<any> {
    const asked = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", asked);
    if (exceptionDetails) {
      throw new CheckFailure(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Sets the window's size in pixels. */
  async resize(width: number, height: number): Promise<void> {
    const more = { deviceScaleFactor: 1, mobile: false };
    await this.call("Emulation.setDeviceMetricsOverride", { width, height, ...more });
  }

  /** Shows the page in light or dark colours, on a screen or on paper. */
  async media(scheme: "light" | "dark", media: "screen" | "print" = "screen"): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.call("Emulation.setEmulatedMedia", { media, features });
  }

  /** Moves the mouse, with its button down or not. */
  async mouse(type: "Moved" | "Pressed" | "Released", x: number, y: number, more: Values = {}) {
    await this.call("Input.dispatchMouseEvent", { type: `mouse${type}`, x, y, ...more });
  }

  /** A picture of what the window shows. */
  async picture(path: string, more: Values = {}): Promise<void> {
    const { data } = await this.call("Page.captureScreenshot", more);
    Deno.writeFileSync(path, Buffer.from(data, "base64"));
  }

  /** A picture of the page's beginning, as wide as it is. */
  async longPicture(path: string): Promise<void> {
    const { cssContentSize: { width, height } } = await this.call("Page.getLayoutMetrics");
    const clip = { x: 0, y: 0, width, height: Math.min(height, PICTURE), scale: 1 };
    await this.picture(path, { clip, captureBeyondViewport: true });
  }

  /** The page on paper. */
  async pdf(path: string): Promise<Uint8Array> {
    const asked = { preferCSSPageSize: true, printBackground: true };
    const { data } = await this.call("Page.printToPDF", asked);
    const bytes = Buffer.from(data, "base64");
    Deno.writeFileSync(path, bytes);
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session = undefined;
    await this.call("Browser.close").catch(() => this.child.kill());
    await this.child.status;
    Deno.removeSync(this.profile, { recursive: true });
  }
}

function complaintOf({ method, params }: Event): string | undefined {
  switch (method) {
    case "Runtime.exceptionThrown": {
      const { exception, text } = params.exceptionDetails;
      return exception?.description ?? text;
    }
    case "Runtime.consoleAPICalled":
      return ["error", "warning", "assert"].includes(params.type)
        ? params.args.map(({ value }: Values) => value).join(" ")
        : undefined;
    case "Log.entryAdded":
      return params.entry.text;
    default:
      return undefined;
  }
}
