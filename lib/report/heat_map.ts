/**
 * Heat maps of the I/O methods: tables of writers by readers whose cells are coloured.
 *
 * @module
 */
import type { MachineFigures } from "./figures.ts";
import { html, type Markup } from "./html.ts";
import {
  type Metric,
  METRICS,
  ofSize,
  READERS,
  sizesOf,
  withoutCalls,
  WRITERS,
} from "./io_metrics.ts";
import { typeset } from "./sheet.ts";
import { NOT_RECORDED, whyMissing } from "./words.ts";

/** Steps of the colour scale, which `style.css` names `heat-0` to `heat-6`. */
const STEPS = 7;

/** The colours begin at 0, so a cell twice as dark stands for twice as much. */
function step(value: number, most: number): number {
  return most > 0 ? Math.min(STEPS - 1, Math.floor(value / most * STEPS)) : 0;
}

/** All metrics of a machine, size by size. */
export function heatMaps(machine: MachineFigures): Markup[] {
  return sizesOf(machine).map((size) =>
    html`
      <h3>${size}</h3>
      <div class="heats">${METRICS.map((metric) => heatMap(machine, size, metric))}</div>
    `
  );
}

function heatMap(machine: MachineFigures, size: string, metric: Metric): Markup {
  const pairs = ofSize(machine, size);
  const known = pairs.map(metric.of).filter((value) => value !== undefined);
  if (known.length === 0) {
    return html`
      <figure>
        <figcaption>${metric.name}<small>${withoutFigure(machine, metric)}</small></figcaption>
      </figure>
    `;
  }
  const most = Math.max(...known);
  // The tools write ASCII; a page need not.
  const show = (value: number) => typeset(metric.show(value));
  const cell = (writer: string, reader: string) => {
    const figures = pairs.find((pair) => pair.writer === writer && pair.reader === reader);
    const value = figures && metric.of(figures);
    if (value !== undefined) {
      return html`
        <td class="heat-${step(value, most)}">${show(value)}</td>
      `;
    }
    const why = figures
      ? withoutFigure(machine, metric)
      : whyMissing(machine, `${size}-${writer}-${reader}`);
    return html`
      <td class="none" title="${why}">–</td>
    `;
  };
  return html`
    <figure>
      <figcaption>${metric.name}<small>of a frame; rows write, columns read</small></figcaption>
      <div class="scroll" tabindex="0">
        <table class="heat">
          <thead><tr><td></td>${READERS.map((reader) =>
            html`
              <th scope="col">${reader}</th>
            `
          )}</tr></thead>
          <tbody>${WRITERS.map((writer) =>
            html`
              <tr><th scope="row">${writer}</th>${READERS.map((reader) =>
                cell(writer, reader)
              )}</tr>
            `
          )}</tbody>
        </table>
      </div>
      <p class="scale">0 ${Array.from({ length: STEPS }, (_, i) =>
        html`
          <i class="heat-${i}"></i>
        `)} ${show(most)}</p>
    </figure>
  `;
}

function withoutFigure(machine: MachineFigures, metric: Metric): string {
  return metric.name === "system calls" ? withoutCalls(machine) : NOT_RECORDED;
}
