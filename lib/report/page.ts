/**
 * The page: everything in one file that loads nothing.
 *
 * @module
 */
import type { Decomposition, MeanFrame } from "./analysis/decompose.ts";
import { type Cost, isWait, PARTS } from "./analysis/recorded_paths.ts";
import type { Statistics } from "./analysis/percentiles.ts";
import { SLOWEST } from "./analysis/slowest.ts";
import { stack } from "./charts.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";
import { heatMaps } from "./heat_map.ts";
import { type Content, html, type Markup } from "./html.ts";
import type { IoFigures, SideCosts } from "./io.ts";
import {
  bytes,
  count,
  ofSize,
  PAIR_COLUMNS,
  sizesOf,
  systemCalls,
  withoutCalls,
} from "./io_metrics.ts";
import { ALL_PARTS, BUSY_COSTS, COSTS, partsLegend } from "./parts_legend.ts";
import { Charts, ns, sheet, swatch, table, us } from "./sheet.ts";
import { slowestTable } from "./slowest_table.ts";
import {
  conditions,
  errorFrames,
  isMuch,
  losses,
  machineLine,
  MUCH,
  NOT_RECORDED,
  ofAll,
  ofFrames,
  ofTurns,
  percent,
  perFrame,
  switches,
  timestamps,
  UNTOLD,
  withoutPerf,
} from "./words.ts";

/** The whole page. */
export function page(machines: readonly MachineFigures[]): string {
  const charts = new Charts();
  return sheet({
    title: "vpipe: where does each microsecond go?",
    tool: "bench-report",
    charts,
    header: html`
      <h1>Where does each microsecond go?</h1>
      <p>
        What a video frame costs on its way through the kernel to a program, by the path that it takes.
      </p>
      <nav>${machines.map((machine) =>
        html`
          <a href="#${anchor(machine)}">${title(machine)}</a>
        `
      )}</nav>
    `,
    main: [
      ...machines.map((machine) => overview(machine, charts)),
      ...machines.map((machine) => details(machine, charts)),
    ],
  });
}

/** What can be done with a chart over time. */
const ZOOM = "; drag to look closer, double click for all";

const anchor = (machine: MachineFigures, run?: RunFigures) =>
  encodeURIComponent(`${machine.name}/${run?.name ?? ""}`);
const title = ({ name }: MachineFigures) => name || "Machine";
/** The comparison of all paths of one machine. */
function overview(machine: MachineFigures, charts: Charts): Markup {
  const apart = machine.runs.filter(hasDecomposition);
  const without = machine.runs.filter((run) => !hasDecomposition(run));
  const bars = (which: "typical" | "slowest") =>
    stack(apart.map((run) => [run.name, run.decomposition[which]] as const));
  const height = 50 + 27 * apart.length;
  return html`
    <section>
      <h2 id="${anchor(machine)}">${title(machine)}</h2>
      <p class="quiet">${machineLine(machine)}</p>
      ${notices(machine)} ${ioMethods(machine)} ${apart.length > 0 && html`
        ${partsLegend(apart.map(({ decomposition }) => decomposition))}
        <div class="charts">
          ${charts.figure(
            "Typical frame",
            "mean over the frames whose turn lies between its quartiles",
            bars("typical"),
            height,
          )} ${charts.figure(
            "Slowest 1 %",
            "mean over the frames whose parts took longest; another scale",
            bars("slowest"),
            height,
          )}
        </div>
        <p class="quiet">
          A bar is one turn of the program's loop without its wait for the camera, the mean of turns of
          which every part is known. Run delay, when the thread could have run and did not, is taken out of
          the wait and of the other parts. The remainder is what the parts leave: a row's bookkeeping, the
          event loop, and the kernel's time where a run has no metadata. ${apart.some((
            { decomposition },
          ) => decomposition.whole === "latency") &&
            "* Several frames are in flight and turns overlap: this is a frame's latency, most of it spent behind the others."}
        </p>
        ${costTable(machine, apart)}
      `} ${without.length > 0 &&
        html`
          <p class="quiet">Recorded without stages, and so not taken apart: ${without.map((
            { name },
          ) => name).join(", ")}.</p>
        `} ${machine.runs.length > 0 &&
        html`
          <h4>Latency, and frames that were lost</h4>
          ${latencyTable(machine)}
        `}
    </section>
  `;
}

/** The loopback's writers by its readers. */
function ioMethods(machine: MachineFigures): Markup | false {
  return machine.pairs.length > 0 &&
    html`
      <p class="quiet">
        From a writer of the loopback node to a reader of it. Latency is from the writer's VIDIOC_QBUF or
        write(2) to the reader's having the frame. Copies are the kernel's. System calls, context
        switches, minor faults and CPU time are of both processes with all their threads. The colours
        begin at 0.
      </p>
      ${heatMaps(machine)} ${sizesOf(machine).map((size) =>
        html`
          <h4>${size}, writer + reader</h4>
          ${pairTable(machine, ofSize(machine, size))}
        `
      )}
    `;
}

function pairTable(machine: MachineFigures, pairs: readonly IoFigures[]): Markup {
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? "–" : show(value);
  const both = ({ write, read }: IoFigures, of: (side: SideCosts) => string) =>
    `${of(write)} + ${of(read)}`;
  return table(
    [
      "writer → reader",
      ...["p50", "p95", "p99", "max"],
      ...PAIR_COLUMNS,
      "not joined",
    ],
    pairs.map((figures) => {
      const { writer, reader, latency, submit, pairs } = figures;
      const calls = both(figures, (side) => shown(systemCalls(side), count));
      return [
        `${writer} → ${reader}`,
        ...[latency.p50, latency.p95, latency.p99, latency.max, submit.p50].map(ns),
        shown(figures.copies, count),
        shown(figures.bytesCopied, bytes),
        shown(figures.shared, count),
        figures.write.systemCalls || figures.read.systemCalls ? calls : withoutCalls(machine),
        both(figures, ({ switches }) => shown(switches, count)),
        both(figures, ({ minorFaults }) => shown(minorFaults, count)),
        both(figures, ({ cpu }) => shown(cpu, ns)),
        figures.frames,
        pairs.lost,
        pairs.unknown + pairs.early + pairs.contradictory,
      ];
    }),
  );
}

type Apart = RunFigures & { readonly decomposition: Decomposition };

function hasDecomposition(run: RunFigures): run is Apart {
  return run.decomposition !== undefined;
}

function link(machine: MachineFigures, run: RunFigures): Markup {
  return html`
    <a href="#${anchor(machine, run)}">${run.name}</a>${run.decomposition?.whole === "latency" &&
      "*"}
  `;
}

function sumOf(cost: Cost, { parts }: MeanFrame): number | undefined {
  const own = ALL_PARTS.filter(([name, of]) => of === cost && parts.has(name));
  return own.length > 0 ? own.reduce((sum, [name]) => sum + parts.get(name)!, 0) : undefined;
}

/** Typical frames by what their time is a cost of, in us. */
function costTable(machine: MachineFigures, runs: readonly Apart[]): Markup {
  return table(
    [
      "typical frame, µs",
      ...BUSY_COSTS.map((cost) => COSTS[cost]),
      "remainder",
      "whole",
      `remainder share of medians, ▲ above ${percent(MUCH)}`,
    ],
    runs.map((run) => {
      const { typical, remainderShare } = run.decomposition;
      return [
        link(machine, run),
        ...BUSY_COSTS.map((cost) => {
          const sum = sumOf(cost, typical);
          return sum === undefined ? "–" : us(sum);
        }),
        us(typical.remainder),
        us(typical.busy),
        share(remainderShare),
      ];
    }),
  );
}

const share = (of: number) =>
  isMuch(of)
    ? html`
      <span class="much">▲ ${percent(of)}</span>
    `
    : percent(of);

function latencyTable(machine: MachineFigures): Markup {
  return table(
    [
      "path",
      ...["p50", "p95", "p99", "max"],
      "frames",
      "camera lost",
      "filter lost",
      "metadata lost",
      "overruns",
      "errors",
      "latency of",
    ],
    machine.runs.map((run) => {
      const { gaps, meta, kind, latencyName } = run;
      const lost = (by: string) => {
        const found = gaps.find(({ of }) => of === by);
        if (found === undefined) return "–";
        return found.backwards > 0 ? UNTOLD : found.lost;
      };
      const none = kind.join ? NOT_RECORDED : "–";
      return [
        link(machine, run),
        ...[run.latency.p50, run.latency.p95, run.latency.p99, run.latency.max].map(ns),
        run.latency.count === run.frames ? run.frames : ofAll(run.latency.count, run.frames),
        lost("camera"),
        lost("filter"),
        meta?.isFirstOverrun ? UNTOLD : meta?.lost ?? none,
        meta?.overruns ?? none,
        errorFrames(run),
        latencyName,
      ];
    }),
    "latency",
  );
}

function notices({ notices }: MachineFigures): Markup | false {
  return notices.length > 0 &&
    html`
      <div class="notices">
        <b>Files that are not as they should be</b>
        <ul>${notices.map(({ file, says }) =>
          html`
            <li>${file}: ${says}</li>
          `
        )}</ul>
      </div>
    `;
}

/** Every path of a machine by itself, and the machine. */
function details(machine: MachineFigures, charts: Charts): Markup {
  return html`
    <section>
      <h2>${title(machine)}: ${machine.runs.length > 0 ? "path by path" : "the machine"}</h2>
      <nav>${machine.runs.map((run) =>
        html`
          <span>${link(machine, run)}</span>
        `
      )}</nav>
      ${machine.runs.map((run) => path(machine, run, charts))} ${machine.kmemleak.length > 0 &&
        html`
          <article>
            <h3>kmemleak</h3>
            ${table(
              ["step", "reports"],
              machine.kmemleak.map(({ step, reports }) => [step, reports]),
            )}
          </article>
        `}
      <article>
        <h3>The machine</h3>
        ${machine.properties.size > 0
          ? table(["property", "value"], [...machine.properties], "words")
          : html`
            <p>There is no machine.csv.</p>
          `}
      </article>
    </section>
  `;
}

function path(machine: MachineFigures, run: RunFigures, charts: Charts): Markup {
  const { kind, decomposition, latencyName } = run;
  const each = run.timeline.framesEach;
  return html`
    <article>
      <h3 id="${anchor(machine, run)}">${run.name}</h3>
      <p class="quiet">${kind.title}; copies per frame: ${kind.copies}; ${conditions(run)}</p>
      ${statisticsTable(run)}
      <div class="charts">
        ${charts.figure(
          "Distribution",
          `of ${latencyName}: how long a share of ${
            ofFrames(run.latency.count, run.frames)
          } took at most, ` +
            "up to the slowest; circles: percentiles",
          { type: "distribution", colors: ["accent"], lines: [run.quantiles] },
          230,
        )} ${charts.figure(
          "Timeline",
          (each === 1
            ? `of ${latencyName}: every frame`
            : `of ${latencyName}: median, least and most of every ${each} frames; ` +
              `dots: the ${SLOWEST} slowest`) + ZOOM,
          run.timeline,
          230,
        )}
      </div>
      <div class="charts">
        ${charts.figure(
          "Heat map",
          `of ${latencyName}: frames by when and by how long they took; the stronger the colour, ` +
            `the more, by their logarithm${ZOOM}`,
          run.heat,
          260,
        )} ${charts.figure(
          "Histogram",
          `of ${latencyName}: ${
            ofFrames(run.latency.count, run.frames)
          } by how long they took; even ` +
            "one frame has a bar",
          run.histogram,
          260,
        )}
      </div>
      ${slowestTable(run)} ${decomposition
        ? html`
          ${charts.figure(
            decomposition.whole === "turn" ? "Taken apart" : "Latency taken apart",
            `typical frame of ${decomposition.typical.frames}, slowest 1 % of ${decomposition.slowest.frames}`,
            stack([["typical", decomposition.typical], ["slowest 1 %", decomposition.slowest]]),
            110,
          )}${partTable(decomposition)}
        `
        : html`
          <p>Recorded without stages: not taken apart.</p>
        `} ${facts(machine, run)}
    </article>
  `;
}

function statisticsTable(run: RunFigures) {
  const { kind, latency, latencyName, ownLatency, interval } = run;
  const { decomposition, lock, thread, queueFaults } = run;
  const row = (name: string, of: Statistics | undefined, show: (value: number) => string) =>
    of ? [[name, ...[of.p50, of.p95, of.p99, of.max, of.mean].map(show), of.count]] : [];
  return table(["", "p50", "p95", "p99", "max", "mean", "of so many"], [
    ...row(latencyName, latency, ns),
    ...row(kind.latency.name, ownLatency, ns),
    ...row("frame to frame", interval, ns),
    // The whole of frames in flight together is the latency.
    ...row(
      "turn without source wait",
      decomposition?.whole === "turn" ? decomposition.busy : undefined,
      ns,
    ),
    ...row("remainder", decomposition?.remainder, ns),
    ...row("minor faults a frame", thread?.minorFaults, perFrame),
    ...row("voluntary switches a frame", thread?.voluntarySwitches, perFrame),
    ...row("involuntary switches a frame", thread?.involuntarySwitches, perFrame),
    ...row("run delay a frame", thread?.runDelay, ns),
    ...row("cycles a frame", thread?.cycles, perFrame),
    ...row("instructions a frame", thread?.instructions, perFrame),
    ...row("cache misses a frame", thread?.cacheMisses, perFrame),
    ...row("minor faults a QBUF", queueFaults, perFrame),
    ...row("mmap_lock held a QBUF", lock?.held, ns),
    ...row("mmap_lock waited for a QBUF", lock?.waited, ns),
    ...row("mmap_lock acquisitions a QBUF", lock?.acquisitions, perFrame),
  ]);
}

function partTable(found: Decomposition): Markup {
  const row = (name: Content, cost: string, of: Statistics, typical: number, slowest: number) => [
    name,
    cost,
    ...[of.p50, of.p99, of.mean, typical, slowest].map(us),
    percent(typical / found.typical.busy),
  ];
  const rows = [...found.parts].map(([name, of]) =>
    row(
      html`
        ${!isWait(name) && swatch(name)}${name}
      `,
      COSTS[PARTS[name]],
      of,
      found.typical.parts.get(name)!,
      found.slowest.parts.get(name)!,
    )
  );
  // The wait is no share of a turn that is counted without it.
  for (const cells of rows) if (cells[1] === COSTS.waiting) cells[cells.length - 1] = "–";
  return table(
    ["part, µs", "spent on", "p50", "p99", "mean", "typical", "slowest 1 %", "share"],
    [
      ...rows,
      row(
        html`
          ${swatch("remainder")}remainder
        `,
        "",
        found.remainder,
        found.typical.remainder,
        found.slowest.remainder,
      ),
      row(
        found.whole === "turn" ? "turn without source wait" : "latency",
        "",
        found.busy,
        found.typical.busy,
        found.slowest.busy,
      ),
    ],
    "sum",
  );
}

function facts(machine: MachineFigures, run: RunFigures): Markup {
  const { decomposition: found, perf, meta } = run;
  const counters = perf &&
    [...perf].map(([event, count]) =>
      `${event} ${typeof count === "number" ? count : `(${count})`}`
    ).join(", ");
  const rows: [string, Content][] = [
    ["drops, gaps, errors", losses(run)],
    ["context switches a frame", switches(run)],
    ["perf, whole process with start-up and warm-up", counters ?? withoutPerf(machine)],
    ["timestamps", timestamps(run)],
  ];
  if (run.ahead > 0) {
    rows.push(["frames dequeued before their timestamp", `${run.ahead} of ${run.latency.count}`]);
  }
  if (run.stale > 0) {
    rows.push(["timestamps that do not rise", `${run.stale} of ${run.frames}`]);
  }
  if (found) {
    rows.push(["turns taken apart", ofTurns(found)]);
    rows.push([
      `remainder share of medians, ▲ above ${percent(MUCH)}`,
      share(found.remainderShare),
    ]);
    if (found.unknown.length > 0) {
      rows.push(["parts not recorded", found.unknown.join(", ")]);
    }
    if (found.missing + found.outside > 0) {
      rows.push([
        "frames not joined",
        `${found.missing} without metadata, ${found.outside} whose metadata lies outside of them; ` +
        "the parts are of the others",
      ]);
    }
  }
  if (meta) rows.push(["metadata entries", String(meta.entries)]);
  return html`
    <dl>${rows.map(([name, value]) =>
      html`
        <dt>${name}</dt><dd>${value}</dd>
      `
    )}</dl>
  `;
}
