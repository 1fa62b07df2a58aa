/**
 * The steps of `make test`: what each needs, how long it takes, what it runs.
 *
 * @module
 */

/**
 * A program and its arguments. `{step}` stands for the step's name, `{xml}` for its JUnit file.
 */
export type Command = readonly string[];

/** One step. */
export interface Step {
  /** Steps that have to be over, and not to have failed. */
  readonly needs: readonly string[];
  /** About how long it takes on two quiet cores, with everything still to be built. */
  readonly seconds: number;
  /** Whether a guest runs: two GiB of memory, and a kernel log to look at. */
  readonly guest: boolean;
  /** How many checks may be skipped, which a guest's kernel and userland decide; any number without. */
  readonly skips?: number;
  /** Whether it is run by its name alone: it takes longer than what it may find is worth each time. */
  readonly byName?: boolean;
  /** One after the other, until one fails. */
  readonly commands: readonly Command[];
}

type Steps = Readonly<Record<string, Step>>;

const DENO = "toolchain/deno";

/** The network was probed once, by the set-up: see toolchain/setup. */
const imports = Deno.readTextFileSync("build/toolchain/network").trim() === "closed"
  ? ["--import-map", "toolchain/offline/import_map.json"]
  : [];

const DENO_RUN = [DENO, "run", "--no-check", "--allow-all", ...imports] as const;

const step = (seconds: number, needs: readonly string[], ...commands: Command[]): Step => (
  { needs, seconds, commands, guest: false }
);

const denoTest = (seconds: number, needs: readonly string[], folder: string): Step =>
  step(seconds, needs, [DENO, "test", ...imports, "--allow-all", "--junit-path={xml}", folder]);

/** A guest, by guest/run's options, and what has to be built for it. */
type Guest = readonly [kernel: string, ...options: string[]];

const UML: Guest = ["uml", "--kernel", "uml"];
const SANITIZED: Guest = ["sanitized", "--kernel", "sanitized"];
const ARM64: Guest = ["arm64", "--kernel", "arm64"];
const debian = (release: string): Guest => [release, "--kernel", "debian", "--release", release];

const inGuest = (
  seconds: number,
  [kernel, ...options]: Guest,
  tool: string,
  ...command: string[]
): Step => ({
  needs: [tool, `modules-${kernel}`],
  seconds,
  guest: true,
  commands: [["guest/run", ...options, "--timeout", "2400", "--", ...command]],
});

/** One whose script has a guest among other things. */
const withGuest = (step: Step): Step => ({ ...step, guest: true });

/** One that is not among all of them. */
const byName = (step: Step): Step => ({ ...step, byName: true });

/** A suite of which so many checks are not for that guest. More would be some that have gone missing. */
const skipping = (skips: number, step: Step): Step => ({ ...step, skips });

const HEADER = "build/guest/linux/include/uapi/linux/videodev2.h";

const CHECK = ["--artifacts", "bench/{step}", "--header", HEADER, "--junit", "{xml}"] as const;

const checkOf =
  (tools: string, bin: string) => (seconds: number, guest: Guest, ...options: string[]): Step =>
    inGuest(seconds, guest, tools, `${bin}/check`, ...CHECK, ...options);

const check = checkOf("tools", "build/bin");
const checkArm64 = checkOf("tools-arm64", "build/aarch64/bin");

const interop = (seconds: number, guest: Guest, ...options: string[]): Step =>
  inGuest(seconds, guest, "tools", "tests/interop/run", ...options);

const stress = (seconds: number, module: string): Step =>
  inGuest(seconds, SANITIZED, "stress-tool", "build/test/stress", module, "--junit", "{xml}");

/** The kernels: what each needs, and how long it takes to get. The newest sources come with `testing`. */
const KERNELS: Readonly<Record<string, readonly [need: string, seconds: number]>> = {
  "6.1": ["root", 30],
  "6.12": ["root", 30],
  testing: ["root", 120],
  uml: ["kernel-testing", 300],
  sanitized: ["kernel-testing", 460],
  arm64: ["root", 300],
};

const each = <T>(names: readonly T[], steps: (name: T) => Steps): Steps =>
  Object.assign({}, ...names.map(steps));

/** Groups of the check suite about arguments, scripts, vivid's cameras and what FFmpeg decodes. */
const PROGRAMS = "unit,bad-input,capture,bench,codecs";

/** The steps there are, in the order in which they are listed. */
export const STEPS: Steps = {
  typescript: step(60, [], ["tests/style.sh", "typescript"]),
  shell: step(30, [], ["tests/style.sh", "shell"]),
  "kernel-style": step(20, ["kernel-uml"], ["tests/style.sh", "kernel"]),
  unit: denoTest(100, [], "tests/unit"),
  abi: denoTest(20, ["kernel-uml"], "tests/abi"),
  browser: step(20, [], [...DENO_RUN, "tests/browser/main.ts", "--junit", "{xml}"]),
  fuzz: step(25, [], [...DENO_RUN, "tests/fuzz/main.ts", "--seconds", "20"]),
  tools: step(60, [], ["make", "--no-print-directory", "tools", "kernels-example"]),
  "tools-arm64": step(
    60,
    ["kernel-arm64"],
    ["make", "--no-print-directory", "tools", "kernels-example", "ARCH=aarch64"],
  ),
  "stress-tool": step(15, [], ["make", "--no-print-directory", "build/test/stress"]),
  root: step(100, [], ["guest/build", "root"]),
  ...each(Object.entries(KERNELS), ([kernel, [need, seconds]]) => ({
    [`kernel-${kernel}`]: step(seconds, [need], ["guest/build", kernel]),
    [`modules-${kernel}`]: step(30, [`kernel-${kernel}`], ["guest/build-modules", kernel]),
  })),
  sparse: step(30, ["modules-6.12"], ["guest/build-modules", "6.12", "C=2", "CF=-Wsparse-error"]),
  guests: step(120, ["modules-uml", "modules-sanitized"], ["guest/selftest", "uml", "sanitized"]),
  // No sanitizer looks into programs: what is theirs alone is checked where they are quick.
  "check-uml": skipping(3, check(200, UML, "--only", PROGRAMS)),
  "check-sanitized": skipping(4, check(330, SANITIZED, "--without", PROGRAMS)),
  // Debian's own kernels, emulated: what a quick guest cannot show. The oldest has all in one, as
  // it takes a minute to boot. The newest one's sources have v4l2-compliance in uml, and arm64 is
  // of the release 6.12.
  "check-6.1": skipping(
    29,
    inGuest(300, debian("6.1"), "tools", "tests/short", ...CHECK, "--short"),
  ),
  "interop-6.12": interop(180, debian("6.12"), "compliance"),
  "check-testing": skipping(0, check(240, debian("testing"), "--short")),
  "check-arm64": skipping(5, checkArm64(500, ARM64, "--short")),
  "interop-uml": interop(180, UML),
  "interop-sanitized": interop(110, SANITIZED, "compliance"),
  examples: inGuest(20, UML, "tools", "tests/examples.sh"),
  ffmpeg: inGuest(140, UML, "tools", ...DENO_RUN, "tests/interop/ffmpeg.ts"),
  "stress-filter": stress(150, "filter"),
  "stress-decoder": stress(200, "decoder"),
  "stress-loop": stress(150, "loop"),
  dist: withGuest(step(150, ["tools", "modules-uml"], ["tests/dist.sh"])),
  // Behind it, as both make the one program; and each of these behind the other, as all make packages.
  packages: withGuest(step(200, ["dist"], ["tests/packages.sh"])),
  dkms: step(400, ["packages"], ["tests/dkms.sh"]),
  "packages-arm64": step(60, ["tools-arm64", "dkms"], ["tests/packages_arm64.sh"]),
  "install-arm64": byName(
    withGuest(step(3600, ["tools-arm64", "modules-arm64"], ["tests/install_arm64.sh"])),
  ),
};
