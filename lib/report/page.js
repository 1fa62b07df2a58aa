// Draws the charts of a report. Chart.js and the data stand before it in the page.

const data = JSON.parse(document.getElementById("data").textContent);
const drawn = new Map();

const color = (name) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--${name.toLowerCase().replaceAll(" ", "-")}`).trim();

Chart.defaults.font.family = color("font");

/** Three digits and a unit, as the tools print it. */
function time(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    const value = ns / size;
    if (Math.abs(value) < 0.9995) continue;
    const digits = Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0;
    return `${value.toFixed(digits)} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

/** The same for an axis, whose numbers are round. */
function tick(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (Math.abs(ns) >= size) return `${+(ns / size).toPrecision(6)} ${unit}`;
  }
  return `${+ns.toPrecision(6)} ns`;
}

/** At most six round values within a logarithmic axis; evenly spaced ones where it is short. */
function logTicks(min, max) {
  const within = (mantissas) => {
    const values = [];
    for (let power = 10 ** Math.floor(Math.log10(min)); power <= max; power *= 10) {
      values.push(...mantissas.map((mantissa) => mantissa * power));
    }
    return values.filter((value) => min <= value && value <= max);
  };
  const choices = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]].map(within);
  const chosen = choices.find(({ length }) => length <= 6) ?? choices.at(-1);
  if (chosen.length > 2) return chosen;
  const power = 10 ** Math.floor(Math.log10((max - min) / 3));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= (max - min) / 4);
  const values = [];
  for (let n = Math.ceil(min / step); n * step <= max; n++) values.push(n * step);
  return values;
}

function axis(title, more) {
  return {
    title: { display: title !== "", text: title, color: color("quiet") },
    grid: { color: color("line") },
    border: { color: color("line") },
    ...more,
    ticks: { color: color("quiet"), maxRotation: 0, ...more?.ticks },
  };
}

const linear = (title) => axis(title, { min: 0, ticks: { callback: tick, maxTicksLimit: 8 } });
const logarithmic = (title) =>
  axis(title, {
    type: "logarithmic",
    ticks: { callback: tick, autoSkip: false },
    afterBuildTicks(scale) {
      scale.ticks = logTicks(scale.min, scale.max).map((value) => ({ value }));
    },
  });

/** A time that a driver puts ahead makes a latency below 0, which has no logarithm. */
const latency = (least) =>
  least > 0
    ? logarithmic("latency")
    : axis("latency", { ticks: { callback: tick, maxTicksLimit: 8 } });

/** The middle of a step of the latency, on the axis that `latency` makes of its edges. */
function middle(edges, step) {
  const [low, high] = [edges[step], edges[step + 1]];
  return edges[0] > 0 ? Math.sqrt(low * high) : (low + high) / 2;
}

/** Draws within a chart's axes, under its data. */
const painted = (id, paint) => ({
  id,
  beforeDatasetsDraw({ ctx, chartArea: { left, top, width, height }, scales }) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    paint(ctx, scales);
    ctx.restore();
  },
});

/** Time, from the first frame on. */
const since = (max) =>
  axis("since the first frame", {
    min: 0,
    max,
    ticks: {
      callback: (value) => `${+value.toFixed(3)} s`,
      maxTicksLimit: 7,
      includeBounds: false,
    },
  });

/** The nearest of points, wherever the mouse is: they are small. */
const POINTS = { interaction: { mode: "nearest", intersect: false } };

/** @param zoom whether a drag looks closer at a part of the axis of times */
function common(tooltip, zoom = false) {
  return {
    animation: false,
    responsive: true,
    // A label under the end of an axis is as wide as this to its right.
    layout: { padding: { right: 26 } },
    maintainAspectRatio: false,
    plugins: {
      legend: { display: false },
      tooltip: { animation: false, callbacks: tooltip },
      zoom,
    },
  };
}

/** Stripes: what the measured parts leave is no part. */
function stripes(name) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = color("paper");
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = color(name);
  pen.lineWidth = 2;
  pen.beginPath();
  for (const x of [-6, 0, 6]) {
    pen.moveTo(x, 6);
    pen.lineTo(x + 6, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

/** Pixels of a chart that has no room for long names beside it, and characters that have some. */
const NARROW = 600;
const LINE = 22;

/** A name in lines, as a label takes them. */
function inLines(name) {
  const lines = [""];
  for (const word of name.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) !== "" && longer.length > LINE) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Pixels of the smallest bar. */
const LEAST_BAR = 2;

/** One frame is to be seen, and most cells have few: the steps are those of the logarithm. */
function shade(frames, most) {
  return most > 1 ? 1 + Math.floor(5 * Math.log(frames) / Math.log(most)) : 6;
}

const CONFIGURATIONS = {
  stack({ bars, parts }) {
    const total = (bar) => parts.reduce((sum, { ns }) => sum + ns[bar], 0);
    return {
      type: "bar",
      data: {
        labels: bars,
        datasets: parts.map(({ name, ns }) => ({
          label: name,
          data: ns,
          backgroundColor: name === "remainder" ? stripes(name) : color(name),
          borderColor: color("paper"),
          borderWidth: { right: 1 },
          borderSkipped: false,
          barPercentage: 0.82,
          categoryPercentage: 0.92,
        })),
      },
      options: {
        ...common({
          label: ({ dataset, raw, dataIndex }) =>
            ` ${dataset.label}: ${time(raw)}, ${(100 * raw / total(dataIndex)).toFixed(1)} %`,
          title: ([{ label, dataIndex }]) => `${label}: ${time(total(dataIndex))}`,
        }),
        indexAxis: "y",
        scales: {
          x: { ...linear(""), stacked: true },
          y: {
            ...axis("", { grid: { display: false }, ticks: { autoSkip: false } }),
            stacked: true,
          },
        },
      },
    };
  },

  ratios({ figures }) {
    const ends = figures.flatMap(({ ratio, low = ratio, high = ratio }) => [low, high, 1]);
    const [least, most] = [Math.min(...ends), Math.max(...ends)];
    // Room beside the ends, and some where all are 1.
    const room = Math.max((most / least) ** 0.05, 1.02);
    const colors = figures.map((figure) => color(figure.color));
    return {
      type: "scatter",
      data: {
        datasets: [{
          data: figures.map(({ ratio }, i) => [ratio, i]),
          pointRadius: 4,
          pointBackgroundColor: colors,
          pointBorderWidth: 0,
        }],
      },
      plugins: [{
        id: "whiskers",
        beforeDatasetsDraw({ ctx, chartArea: { top, bottom }, scales: { x, y } }) {
          ctx.save();
          ctx.lineWidth = 1.5;
          const line = (style, ...points) => {
            ctx.strokeStyle = style;
            ctx.beginPath();
            for (const [i, [px, py]] of points.entries()) ctx[i ? "lineTo" : "moveTo"](px, py);
            ctx.stroke();
          };
          const same = x.getPixelForValue(1);
          line(color("quiet"), [same, top], [same, bottom]);
          for (const [i, { low, high }] of figures.entries()) {
            if (low === undefined) continue;
            const at = y.getPixelForValue(i);
            const [from, to] = [low, high].map((ratio) => x.getPixelForValue(ratio));
            line(colors[i], [from, at], [to, at]);
            for (const end of [from, to]) line(colors[i], [end, at - 5], [end, at + 5]);
          }
          ctx.restore();
        },
      }],
      options: {
        ...POINTS,
        ...common({
          label({ dataIndex }) {
            const { name, ratio, low, high } = figures[dataIndex];
            const interval = low === undefined
              ? "no interval"
              : `95 %: ${low.toFixed(3)} to ${high.toFixed(3)}`;
            return `${name}: ${ratio.toFixed(3)}, ${interval}`;
          },
        }),
        scales: {
          x: {
            ...logarithmic(""),
            min: least / room,
            max: most * room,
            ticks: { ...logarithmic("").ticks, callback: (value) => +value.toPrecision(4) },
          },
          y: {
            ...axis("", { grid: { display: false }, min: -0.5, max: figures.length - 0.5 }),
            reverse: true,
            afterBuildTicks(scale) {
              scale.ticks = figures.map((_, value) => ({ value }));
            },
            ticks: {
              color: color("quiet"),
              autoSkip: false,
              callback(i) {
                return this.chart.width < NARROW ? inLines(figures[i].name) : figures[i].name;
              },
            },
          },
        },
      },
    };
  },

  distribution({ lines, colors }) {
    const share = (nines) =>
      `${+(100 * (1 - 10 ** -nines)).toFixed(Math.max(2, Math.ceil(nines)))} %`;
    const least = Math.min(...lines.map(({ points: [[, ns]] }) => ns));
    const last = Math.max(...lines.map(({ points }) => points.at(-1)[0]));
    return {
      type: "scatter",
      data: {
        datasets: lines.flatMap(({ name, points, marks }, i) => [
          {
            data: marks.map(([, ...point]) => point),
            clip: 8,
            borderColor: color(colors[i]),
            backgroundColor: color("paper"),
            borderWidth: 2,
            pointRadius: 4,
            names: marks.map(([name]) => name),
            label: name,
          },
          {
            data: points,
            showLine: true,
            pointRadius: 0,
            pointHitRadius: 6,
            borderWidth: lines.length > 2 ? 1 : 2,
            borderColor: color(colors[i]),
            label: name,
          },
        ]),
      },
      options: {
        ...POINTS,
        ...common({
          label({ dataset, dataIndex, parsed }) {
            const of = lines.length > 1 ? `${dataset.label}: ` : "";
            const what = dataset.names?.[dataIndex] ?? `${share(parsed.x)} of frames within`;
            return `${of}${what} ${time(parsed.y)}`;
          },
        }),
        scales: {
          x: axis("share of frames", {
            min: 0,
            max: Math.max(4, last),
            afterBuildTicks(scale) {
              scale.ticks = Array.from(
                { length: Math.floor(scale.max) + 1 },
                (_, value) => ({ value }),
              );
            },
            ticks: { callback: share, autoSkip: false },
          }),
          y: latency(least),
        },
      },
    };
  },

  heat({ secondsEach, edges_ns, cells }) {
    const most = Math.max(...cells.map(([, , frames]) => frames));
    const columns = 1 + Math.max(...cells.map(([column]) => column));
    const scale = latency(edges_ns[0]);
    return {
      type: "scatter",
      data: {
        datasets: [{
          data: cells.map(([column, row]) => [(column + 0.5) * secondsEach, middle(edges_ns, row)]),
          pointRadius: 0,
          pointHitRadius: 6,
        }],
      },
      plugins: [painted("cells", (ctx, { x, y }) => {
        for (const [column, row, frames] of cells) {
          const [from, to] = [column, column + 1].map((n) => x.getPixelForValue(n * secondsEach));
          const [low, high] = [row, row + 1].map((n) => y.getPixelForValue(edges_ns[n]));
          ctx.fillStyle = color(`heat-${shade(frames, most)}`);
          ctx.fillRect(from, high, to - from, low - high);
        }
      })],
      options: {
        ...POINTS,
        ...common({
          label({ dataIndex }) {
            const [column, row, frames] = cells[dataIndex];
            const [from, to] = [column, column + 1].map((n) => +(n * secondsEach).toFixed(3));
            const [low, high] = [edges_ns[row], edges_ns[row + 1]].map(time);
            return `${frames} of ${low} to ${high}, from ${from} to ${to} s`;
          },
        }, true),
        scales: {
          x: since(columns * secondsEach),
          y: { ...scale, min: edges_ns[0], max: edges_ns.at(-1) },
        },
      },
    };
  },

  histogram({ edges_ns, frames }) {
    const all = frames.reduce((sum, n) => sum + n);
    const bars = [...frames.entries()].filter(([, n]) => n > 0);
    return {
      type: "scatter",
      data: {
        datasets: [{
          data: bars.map(([bar, n]) => [middle(edges_ns, bar), n]),
          pointRadius: 0,
          pointHitRadius: 6,
        }],
      },
      plugins: [painted("bars", (ctx, { x, y }) => {
        ctx.fillStyle = color("accent");
        for (const [bar, n] of bars) {
          const [from, to] = [bar, bar + 1].map((edge) => x.getPixelForValue(edges_ns[edge]));
          // One frame of many is to be seen.
          const height = Math.max(LEAST_BAR, y.bottom - y.getPixelForValue(n));
          ctx.fillRect(from, y.bottom - height, Math.max(1, to - from - 1), height);
        }
      })],
      options: {
        interaction: { mode: "nearest", axis: "x", intersect: false },
        ...common({
          label({ dataIndex }) {
            const [bar, n] = bars[dataIndex];
            const [low, high] = [edges_ns[bar], edges_ns[bar + 1]].map(time);
            return `${n} of ${low} to ${high}, ${(100 * n / all).toFixed(2)} %`;
          },
        }),
        scales: {
          x: { ...latency(edges_ns[0]), min: edges_ns[0], max: edges_ns.at(-1) },
          y: axis("frames", { min: 0, ticks: { precision: 0, maxTicksLimit: 6 } }),
        },
      },
    };
  },

  timeline({ seconds, median_ns, min_ns, max_ns, worst, framesEach }) {
    const points = (ns) => ns.map((y, i) => [seconds[i], y]);
    const line = { showLine: true, pointRadius: 0, pointHitRadius: 4 };
    const stretches = framesEach > 1;
    return {
      type: "scatter",
      data: {
        datasets: [
          {
            label: "slowest frames",
            data: worst,
            pointRadius: 2.5,
            backgroundColor: color("warn"),
            borderWidth: 0,
          },
          {
            label: stretches ? "median" : "latency",
            data: points(median_ns),
            ...(stretches ? line : { pointRadius: 1.5, pointHitRadius: 4 }),
            borderWidth: stretches ? 1.5 : 0,
            borderColor: color("accent"),
            backgroundColor: color("accent"),
          },
          { label: "max", data: points(max_ns), ...line, borderWidth: 0 },
          {
            label: "min",
            data: points(min_ns),
            ...line,
            borderWidth: 0,
            fill: "-1",
            backgroundColor: color("band"),
          },
        ],
      },
      options: {
        ...POINTS,
        ...common({
          label: ({ dataset, parsed }) => `${dataset.label}: ${time(parsed.y)} at ${parsed.x} s`,
        }, true),
        scales: {
          x: since(seconds.at(-1)),
          y: latency(Math.min(...median_ns, ...min_ns)),
        },
      },
    };
  },
};

function draw(canvas) {
  drawn.get(canvas)?.destroy();
  const chart = data[canvas.dataset.chart];
  drawn.set(canvas, new Chart(canvas, CONFIGURATIONS[chart.type](chart)));
}

// A hundred charts at once would hold the page up: each is drawn when it comes near.
const canvases = [...document.querySelectorAll("canvas[data-chart]")];
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || drawn.has(target)) continue;
    near.unobserve(target);
    draw(target);
  }
}, { rootMargin: "600px" });
for (const canvas of canvases) near.observe(canvas);

/** A table that does not fit is a list: first all are tables, then all are looked at. */
function fitTables() {
  const tables = [...document.querySelectorAll(".scroll > table:not(.heat)")];
  for (const table of tables) table.classList.remove("list");
  const wide = tables.filter(({ parentElement: box }) => box.scrollWidth > box.clientWidth);
  for (const table of wide) table.classList.add("list");
}
fitTables();
addEventListener("resize", fitTables);
// What is closed has no width.
document.addEventListener("toggle", fitTables, true);

addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("details")) closed.open = true;
  for (const canvas of canvases) if (!drawn.has(canvas)) draw(canvas);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const canvas of [...drawn.keys()]) draw(canvas);
});
