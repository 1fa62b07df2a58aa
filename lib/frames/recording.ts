/**
 * What surrounds every frame loop: the file with its rows, the clock of its stages, and the figures
 * that are reported at the end.
 *
 * @module
 */
import { type CellFormat, FrameLog } from "../measure/frame_log.ts";
import { Histogram } from "../measure/histogram.ts";
import { ProcessCosts } from "../sys/thread.ts";
import { OutputFile } from "../files/output_file.ts";
import { type FrameLoop, type LoopSettings, runFrameLoop } from "./frame_loop.ts";
import { MEASURED_COLUMNS, StageMeter } from "./stages.ts";
import { type BreakSettings, TraceBreak } from "./trace_break.ts";
import type { ToolSession } from "../cli/tool.ts";

/** What the command line says of it. */
export interface RecordingSettings extends LoopSettings, BreakSettings {
  /** File to write, a row a frame; empty for none. */
  readonly csv: string;
  /** Whether to record the columns of the stages. */
  readonly stages: boolean;
  readonly watch?: RowWatch;
}

/** Sees a run's rows after they were written, between frames. */
export interface RowWatch {
  /**
   * Before the first row, once the camera is set up.
   *
   * @param alternating whether each row has one of a frame's two fields
   */
  begin(alternating: boolean): void;
  /**
   * @param columns by name; they are filled anew afterwards
   * @param rows how many of each column are new; 0 where there is only time
   */
  look(columns: Readonly<Record<string, Float64Array>>, rows: number): void;
}

type MeasuredColumn = keyof typeof MEASURED_COLUMNS;

/** Columns by name, each with how its numbers are written. */
type Columns<Name extends string> = Readonly<Record<Name, CellFormat>>;

/** The columns of a loop, in their order in the file. */
interface RecordedColumns<Usual extends string, Step extends string, Last extends string> {
  readonly usual: Columns<Usual>;
  /** Those that a tool has for some runs only: see `Recording.extra`. */
  readonly extra?: Columns<string>;
  /** With `--stages` only, in front of those that every tool measures. */
  readonly steps: Columns<Step>;
  readonly last?: Columns<Last>;
}

/** One run of a frame loop. */
export class Recording<Usual extends string, Step extends string, Last extends string = never>
  implements Disposable {
  readonly log: FrameLog<Usual | Step | Last | MeasuredColumn>;
  readonly meter: StageMeter;
  /** What a frame took, in ns. */
  readonly latency: Histogram = new Histogram();
  /** Of the process, since the first recorded frame. */
  readonly costs: ProcessCosts = new ProcessCosts();
  readonly #file: OutputFile | undefined;
  readonly #break: TraceBreak;
  readonly #resources: DisposableStack;

  /** @throws {SysError | Error} naming the file */
  constructor(
    readonly settings: RecordingSettings,
    { usual, extra, steps, last }: RecordedColumns<Usual, Step, Last>,
  ) {
    const { csv, stages } = settings;
    using made = new DisposableStack();
    const file = this.#file = csv === "" ? undefined : made.use(new OutputFile(csv));
    this.meter = made.use(new StageMeter(stages));
    this.#break = made.use(new TraceBreak(settings));
    const staged = { ...steps, ...MEASURED_COLUMNS };
    const all = { ...usual, ...extra, ...staged, ...last } as Columns<
      Usual | Step | Last | MeasuredColumn
    >;
    // A loop fills them all the same: with and without it is the same code.
    this.log = new FrameLog(file ?? { append() {} }, all, stages ? [] : Object.keys(staged));
    this.#resources = made.move();
  }

  /** Fill `columns.NAME[log.row]` for each column, then call `log.endRow`. */
  get columns(): Readonly<Record<Usual | Step | Last | MeasuredColumn, Float64Array>> {
    return this.log.columns;
  }

  /** The numbers of one of the extra columns. */
  extra(name: string): Float64Array {
    return (this.columns as Readonly<Record<string, Float64Array>>)[name];
  }

  /**
   * Runs the loop to its end, to the first signal, to the frame that stops a trace, or to what fails.
   *
   * @param statistics what `take` records beside the latency
   * @returns what ended it early, or that rows could not be written
   */
  async run(
    loop: Pick<FrameLoop, "source" | "next" | "turn" | "take">,
    session: ToolSession,
    statistics: FrameLoop["statistics"] = [],
  ): Promise<Error | undefined> {
    let failure = await runFrameLoop({
      ...loop,
      settings: this.settings,
      log: this.#watchedLog(),
      watched: this.settings.watch !== undefined,
      statistics: [this.latency, this.costs, ...statistics],
      look: (frame) => this.#break.look(frame, this.latency.latest),
      settle: () => this.meter.settle(),
    }, session);
    try {
      this.#file?.close();
    } catch (error) {
      // What the rows say is known, whatever became of them.
      failure ??= error as Error;
    }
    if (this.#break.words !== undefined) session.warn(this.#break.words);
    return failure;
  }

  #watchedLog(): FrameLoop["log"] {
    const { log, settings: { watch } } = this;
    if (watch === undefined) return log;
    return {
      get isFull() {
        return log.isFull;
      },
      flush() {
        const { row } = log;
        log.flush();
        watch.look(log.columns, row);
      },
      clear() {
        log.clear();
        watch.look(log.columns, 0);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
