/**
 * What the colours of a stack stand for.
 *
 * @module
 */
import type { Decomposition } from "./analysis/decompose.ts";
import { type Cost, type PartName, PARTS } from "./analysis/recorded_paths.ts";
import { html, type Markup } from "./html.ts";
import { swatch } from "./sheet.ts";

/** What costs are called. */
export const COSTS: Readonly<Record<Cost, string>> = {
  waiting: "waiting for the camera",
  copying: "copies",
  computing: "computing",
  calling: "system calls",
  scheduling: "queueing and wake-up",
  measuring: "measuring",
};

/** Costs of a turn without source wait. */
export const BUSY_COSTS = (Object.keys(COSTS) as Cost[]).filter((cost) => cost !== "waiting");

/** Every part, in the order of a frame's life, and what it is a cost of. */
export const ALL_PARTS = Object.entries(PARTS) as [PartName, Cost][];

/** The colours of all parts that charts of these have. */
export function partsLegend(found: readonly Pick<Decomposition, "parts">[]): Markup {
  const drawn = ALL_PARTS.filter(([name]) => found.some(({ parts }) => parts.has(name)));
  return html`
    <ul class="legend">${BUSY_COSTS.map((cost) => {
      const parts = drawn.filter(([, of]) => of === cost);
      return parts.length > 0 &&
        html`
          <li><b>${COSTS[cost]}</b>${parts.map(([name]) =>
            html`
              <span>${swatch(name)}${name}</span>
            `
          )}</li>
        `;
    })}<li><span>${swatch("remainder")}remainder</span></li></ul>
  `;
}
