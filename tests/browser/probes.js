// What the checks ask a page, evaluated in it: `drawn` and `canvases` are page.js's own.

globalThis.probes = {
  /** Draws all charts, as paper has them, and opens what is closed. */
  drawAll() {
    dispatchEvent(new Event("beforeprint"));
    return canvases.length;
  },

  types: () => canvases.map((canvas) => data[canvas.dataset.chart].type),

  /** Pixels within a chart's axes that are neither its paper nor its grid. */
  ink(number) {
    const chart = drawn.get(canvases[number]);
    if (chart === undefined) return 0;
    const { canvas, chartArea: { left, top, width, height }, currentDevicePixelRatio: ratio } =
      chart;
    const [x, y, w, h] = [left + 1, top + 1, width - 2, height - 2].map((px) => px * ratio);
    const copy = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, -x, -y);
    const { data: bytes } = copy.getImageData(0, 0, w, h);
    const grid = color("line").slice(1).match(/../g).map((hex) => parseInt(hex, 16));
    let ink = 0;
    for (let i = 0; i < bytes.length; i += 4) {
      const isGrid = grid.every((value, j) => Math.abs(bytes[i + j] - value) < 8);
      if (bytes[i + 3] > 32 && !isGrid) ink++;
    }
    return ink;
  },

  /** Where something of a chart's data is in the window: what is in the middle of it. */
  place(number) {
    const canvas = canvases[number];
    canvas.scrollIntoView({ block: "center" });
    const { left, top } = canvas.getBoundingClientRect();
    const chart = drawn.get(canvas);
    const sets = chart.getSortedVisibleDatasetMetas().filter(({ data }) => data.length > 0);
    const { data: elements } = sets.reduce((a, b) => b.data.length > a.data.length ? b : a);
    const { x, y } = elements[Math.floor(elements.length / 2)].getCenterPoint();
    return { x: left + x, y: top + y };
  },

  /** What a chart's tooltip says; empty where none is shown. */
  tooltip(number) {
    const { opacity, title = [], body = [] } = drawn.get(canvases[number]).tooltip;
    return opacity > 0 ? [...title, ...body.flatMap(({ lines }) => lines)].join("; ") : "";
  },

  /** The times that a chart shows, and where they begin and end in the window. */
  times(number) {
    const canvas = canvases[number];
    canvas.scrollIntoView({ block: "center" });
    const { x: { min, max }, y } = drawn.get(canvas).scales;
    const { left, top } = canvas.getBoundingClientRect();
    const { chartArea } = drawn.get(canvas);
    return {
      ...{ min, max },
      ...{ left: left + chartArea.left, right: left + chartArea.right },
      y: top + (y.top + y.bottom) / 2,
    };
  },

  /** Labels of a chart's axes that reach beyond its canvas. */
  cutLabels() {
    const sides = { left: [0, 1], center: [-0.5, 0.5], right: [-1, 0] };
    return [...drawn.values()].flatMap((chart) =>
      Object.values(chart.scales).flatMap((scale) =>
        scale.getLabelItems(chart.chartArea).flatMap(({ label, font, options }) => {
          const { textAlign, translation: [x] } = options;
          chart.ctx.font = font.string;
          return [label].flat().filter((line) => {
            const { width } = chart.ctx.measureText(line);
            const [left, right] = sides[textAlign].map((side) => x + side * width);
            return left < -1 || right > chart.width + 1;
          });
        })
      )
    );
  },

  /** What reaches beyond its place sideways: cells, tables and texts, by their words. */
  cut() {
    const wide = (element) => element.scrollWidth > element.clientWidth + 1;
    const beyond = (element) => {
      const { right, width } = element.getBoundingClientRect();
      return width > 0 && right > document.documentElement.clientWidth + 1;
    };
    const words = (element) => `${element.tagName} "${element.textContent.trim().slice(0, 40)}"`;
    const boxes = [...document.querySelectorAll(".scroll, .plot, figure, dl, main, header")];
    const texts = [...document.querySelectorAll("td, th, p, dd, figcaption, h1, h2, h3, canvas")];
    return [
      ...(wide(document.documentElement) ? ["the page"] : []),
      ...boxes.filter((box) => wide(box) || beyond(box)).map(words),
      ...texts.filter(beyond).map(words),
      ...probes.cutLabels(),
    ];
  },

  tables: () => [...document.querySelectorAll("table")].filter((t) => t.offsetWidth > 0).length,

  /** The least contrast of any text with what is behind it, and its words (WCAG's ratio). */
  contrast() {
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
      const linear = [r, g, b].map((v) =>
        v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4
      );
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = rgb(getComputedStyle(at).backgroundColor);
        if (color.length === 3 || color[3] === 1) return light(color);
      }
      return light([255, 255, 255]);
    };
    let least = { ratio: Infinity, words: "" };
    for (const element of document.querySelectorAll("body *")) {
      if (![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== "")) continue;
      if (element.offsetWidth === 0 || ["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
      const [a, b] = [light(rgb(getComputedStyle(element).color)), behind(element)];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < least.ratio) least = { ratio, words: element.textContent.trim().slice(0, 40) };
    }
    return least;
  },
};
