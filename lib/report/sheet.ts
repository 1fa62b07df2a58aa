/**
 * What pages are made of: the frame of one file that loads nothing, tables, charts.
 *
 * @module
 */
import { formatNs } from "../measure/format.ts";
import { VERSION } from "../version.ts";
import type { Chart } from "./charts.ts";
import { type Content, html, jsonScript, Markup, script } from "./html.ts";
import chartJs from "chart.js" with { type: "text" };
import pageJs from "./page.js" with { type: "text" };
import zoomJs from "./zoom.js" with { type: "text" };
import styleCss from "./style.css" with { type: "text" };

/** Words of the tools as a page has them: they write ASCII. */
export const typeset = (words: string): string => words.replace(" us", " µs");

/** A time as the tools write it. */
export const ns = (value: number): string => typeset(formatNs(value));

/** A time of a table whose head has the unit. */
export const us = (value: number): string => Number.isNaN(value) ? "–" : (value / 1e3).toFixed(2);

/** A colour by its name in `style.css`: of a part, of the remainder, of a side. */
export function swatch(part: string): Markup {
  const name = part.toLowerCase().replaceAll(" ", "-");
  return part === "remainder"
    ? html`
      <i class="stripes"></i>
    `
    : html`
      <i style="background:var(--${name})"></i>
    `;
}

/** Charts of a page, by their number in it. */
export class Charts {
  readonly all: Chart[] = [];

  /** A canvas that `page.js` draws. */
  figure(title: string, says: Content, chart: Chart, height: number): Markup {
    const number = this.all.push(chart) - 1;
    return html`
      <figure>
        <figcaption>${title}<small>${says}</small></figcaption>
        <div class="plot" style="height:${height}px">
          <canvas data-chart="${number}" role="img" aria-label="${title}"></canvas>
        </div>
      </figure>
    `;
  }
}

/** Tables of more columns are set closer. */
const MANY_COLUMNS = 10;

/**
 * A table; the first cell of a row is its heading. Where there is no room for its columns, each row is a list of
 * them.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Content[])[],
  look = "",
): Markup {
  const width = head.length > MANY_COLUMNS ? "wide" : "";
  return html`
    <div class="scroll">
      <table class="${`${width} ${look}`.trim()}">
        <thead><tr>${head.map((cell) =>
          html`
            <th scope="col">${cell}</th>
          `
        )}</tr></thead>
        <tbody>${rows.map(([first, ...rest]) =>
          html`
            <tr><th scope="row">${first}</th>${rest.map((cell, i) =>
              html`
                <td data-of="${head[i + 1]}">${cell}</td>
              `
            )}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

/** What a page has in its frame. */
export interface Sheet {
  /** Of the window. */
  readonly title: string;
  readonly header: Content;
  readonly main: Content;
  /** The program that wrote it. */
  readonly tool: string;
  readonly charts: Charts;
}

/** The whole page, a file of its own. */
export function sheet({ title, header, main, tool, charts }: Sheet): string {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <title>${title}</title>
        <style>
        ${new Markup(styleCss)}
        </style>
      </head>
      <body>
        <header>${header}</header>
        <main>${main}</main>
        <footer>
          <p>
            ${tool} ${VERSION}. Percentiles are by the nearest rank: each is a value that was
            measured. Charts are by Chart.js, whose licence is in this page.
          </p>
        </footer>
        <noscript><p>The charts need JavaScript; the tables hold their figures.</p></noscript>
        ${jsonScript("data", charts.all)} ${script(chartJs)} ${script(zoomJs)} ${script(pageJs)}
      </body>
    </html>
  `.text;
}
