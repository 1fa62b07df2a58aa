/**
 * A module, and one with a platform device: loading and binding it, and its nodes as they are numbered
 * now.
 *
 * @module
 */
import { ENODEV, ENOENT, SysError } from "../../lib/sys/errno.ts";
import { type Outcome, run, succeed } from "./processes.ts";
import { expect, Skip } from "./suite.ts";

/** Whether there is something at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a folder or file of sysfs went with its device, before it was opened or behind that. */
const isGone = (error: unknown) =>
  // Deno has no name for ENODEV.
  error instanceof Deno.errors.NotFound || `${error}`.includes(`(os error ${ENODEV})`);

/** The one entry of a sysfs folder that is as wanted, as a device node. */
function node(folder: string, is: (entry: string) => boolean): string {
  try {
    for (const entry of Deno.readDirSync(folder)) {
      if (is(entry.name)) return `/dev/${entry.name}`;
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  throw new SysError(folder, "find a node", ENOENT);
}

/** What insmod says, and what to do where the kernel takes signed modules alone. */
export function whyNotLoaded(stderr: string): string {
  const said = stderr.trim();
  // ENOKEY and EKEYREJECTED are of signatures; EPERM, to root, is lockdown's.
  return /Key was rejected|Required key not available|Operation not permitted/.test(said)
    ? `${said}: the kernel takes signed modules only (Secure Boot): see Secure Boot in README.md`
    : said;
}

/** A kernel module. */
export class Module {
  readonly #folder: string;

  constructor(readonly name: string) {
    this.#folder = `/sys/module/${name.replaceAll("-", "_")}`;
  }

  /** @param parameters as `name=value` */
  tryLoad(module: string, ...parameters: string[]): Promise<Outcome> {
    return run("insmod", [module, ...parameters]);
  }

  async load(module: string, ...parameters: string[]): Promise<void> {
    const { status, stderr } = await this.tryLoad(module, ...parameters);
    const command = ["insmod", module, ...parameters].join(" ");
    expect(status === 0, `${command}: ${whyNotLoaded(stderr)}`);
  }

  tryUnload(): Promise<Outcome> {
    return run("rmmod", [this.name]);
  }

  unload(): Promise<string> {
    return succeed("rmmod", [this.name]);
  }

  isLoaded(): boolean {
    return exists(this.#folder);
  }

  /** Who keeps the module from being unloaded. */
  users(): number {
    return Number(Deno.readTextFileSync(`${this.#folder}/refcnt`));
  }

  setParameter(name: string, value: number | string): void {
    Deno.writeTextFileSync(`${this.#folder}/parameters/${name}`, `${value}`);
  }

  /** Until what is returned is disposed of: then it is what it was before. */
  withParameter(name: string, value: number | string): Disposable {
    const before = Deno.readTextFileSync(`${this.#folder}/parameters/${name}`);
    this.setParameter(name, value);
    return { [Symbol.dispose]: () => this.setParameter(name, before) };
  }

  /** Loads the module, if something went wrong that left it off. */
  async restore(module: string): Promise<void> {
    if (!this.isLoaded()) await this.load(module);
  }
}

/**
 * Modules of the kernel's own that a check wants: those that were not there go again with the result.
 *
 * @throws {Skip} there is no such module
 */
export async function borrowModules(...names: string[]): Promise<AsyncDisposable> {
  const loaded = new AsyncDisposableStack();
  for (const name of names) {
    if (new Module(name).isLoaded()) continue;
    const { status, stderr } = await run("modprobe", [name]);
    if (status !== 0) {
      await loaded.disposeAsync();
      expect(stderr.includes("not found"), `modprobe ${name}: ${stderr.trim()}`);
      throw new Skip(`this kernel has no ${name}`);
    }
    loaded.defer(async () => void await succeed("modprobe", ["-r", name]));
  }
  return loaded;
}

/** A driver whose device has its name. */
export class Driver extends Module {
  /** In sysfs. */
  readonly folder: string;
  readonly #device: string;

  constructor(name: string) {
    super(name);
    this.folder = `/sys/bus/platform/drivers/${name}`;
    this.#device = `${this.folder}/${name}`;
  }

  /**
   * One of its nodes.
   *
   * @param name what sysfs calls it
   * @throws {SysError} ENOENT where there is none
   */
  videoNode(name = this.name): string {
    const folder = `${this.#device}/video4linux`;
    return node(
      folder,
      (entry) => Deno.readTextFileSync(`${folder}/${entry}/name`) === `${name}\n`,
    );
  }

  /**
   * The media device that requests come from.
   *
   * @throws {SysError} ENOENT where there is none
   */
  mediaNode(): string {
    return node(this.#device, (entry) => /^media\d+$/.test(entry));
  }

  /** Takes the device from the driver: as an unplugged one, for whoever has it open. */
  unbind(): void {
    Deno.writeTextFileSync(`${this.folder}/unbind`, this.name);
  }

  bind(): void {
    Deno.writeTextFileSync(`${this.folder}/bind`, this.name);
  }

  isBound(): boolean {
    return exists(this.#device);
  }

  /** Loads the module and binds the device, as far as something went wrong that left them off. */
  override async restore(module: string): Promise<void> {
    await super.restore(module);
    if (!this.isBound()) this.bind();
  }
}
