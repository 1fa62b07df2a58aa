/**
 * What a run was on, as scripts/machine.sh writes it; what that says of vpipe.ko and of perf is left
 * out, as a camera needs neither.
 *
 * @module
 */
import { stringify } from "@std/csv";
import { readBeginning, readFile } from "../files/files.ts";
import { SysError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";

const MIB = 1024;

/** A file of /proc or /sys, without its last newline; empty where it cannot be read. */
function text(path: string, read: (path: string) => Uint8Array = readFile): string {
  try {
    return new TextDecoder().decode(read(path)).replace(/\n$/, "");
  } catch (error) {
    if (error instanceof SysError) return "";
    throw error;
  }
}

/** What follows the colon, of each line of these names. */
function valuesOf(table: string, names: RegExp): { name: string; value: string }[] {
  return table.split("\n").flatMap((line) => {
    const [, name, value] = /^([^:]*?)\s*:\s*(.*)$/.exec(line) ?? [];
    return name !== undefined && names.test(name) ? [{ name, value }] : [];
  });
}

function cpuModel(cpuinfo: string): string {
  const [named] = valuesOf(cpuinfo, /^(model name|Model|Hardware)$/);
  // aarch64 has numbers there, and a name in the device tree where there is one.
  return named?.value || text("/proc/device-tree/model").replaceAll("\0", "") ||
    valuesOf(cpuinfo, /^CPU (implementer|part)$/).slice(0, 2)
      .map(({ name, value }) => `${name.slice("CPU ".length)} ${value}`).join(" ");
}

/** What the firmware and the processor say of whoever emulates them. */
function emulation(cpuinfo: string): string {
  const vendor = text("/sys/class/dmi/id/sys_vendor");
  const [host] = valuesOf(cpuinfo, /^host$/);
  if (/^vendor_id.*User Mode Linux/m.test(cpuinfo)) {
    return `user-mode Linux on ${host?.value ?? "an unknown host"}`;
  }
  if (cpuinfo.includes("TCG")) return `${vendor}, emulated (TCG)`;
  if (/\bhypervisor\b/.test(cpuinfo)) return `virtual: ${vendor || "unknown"}`;
  const virtual = text("/proc/device-tree/compatible").includes("linux,dummy-virt");
  return vendor === "QEMU" || virtual ? "virtual or emulated: QEMU" : "none visible";
}

function preemption(version: string): string {
  if (text("/sys/kernel/realtime") === "1") return "full (PREEMPT_RT)";
  const chosen = text("/sys/kernel/debug/sched/preempt", (path) => readBeginning(path, 256));
  const [, mode] = /\((.*)\)/.exec(chosen) ?? [];
  if (mode !== undefined) return `${mode} (chosen at boot)`;
  return /PREEMPT[A-Z_]*/.exec(version)?.[0] ?? "none (not in the version)";
}

/** Properties by the names of machine.csv. */
function machineProperties(): Record<string, string> {
  const cpuinfo = text("/proc/cpuinfo");
  const [memory] = valuesOf(text("/proc/meminfo"), /^MemTotal$/);
  return {
    kernel: text("/proc/sys/kernel/osrelease"),
    machine: Deno.build.arch,
    page_size: String(libc.getpagesize()),
    kernel_version: text("/proc/version"),
    cpus: String(valuesOf(cpuinfo, /^processor$/).length),
    cpu_model: cpuModel(cpuinfo),
    clocksource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    emulation: emulation(cpuinfo),
    memory: memory === undefined ? "" : `${(parseInt(memory.value) / MIB).toFixed(0)} MiB`,
    preemption: preemption(text("/proc/sys/kernel/version")),
    date: `${new Date().toISOString().slice(0, 19)}Z`,
  };
}

/**
 * The content of a machine.csv.
 *
 * @param more further properties, such as the camera's
 */
export function machineCsv(more: Readonly<Record<string, string>> = {}): string {
  const rows = Object.entries({ ...machineProperties(), ...more }).map(([property, value]) => (
    { property, value: value.replaceAll(/[\n\t]/g, " ").trimEnd() || "unknown" }
  ));
  // Lines end as those of the script, and of every other CSV here.
  return stringify(rows, { columns: ["property", "value"] }).replaceAll("\r\n", "\n");
}
