// Zoom into a chart's time: drag over a span to see it alone, double click to see all again.

// Pixels; a shorter drag is a click.
const SHORTEST_DRAG = 5;

/** Shows the times between two values. */
function seeTimes(chart, [min, max]) {
  Object.assign(chart.options.scales.x, { min, max });
  chart.update();
}

function zoomListeners(chart) {
  const { canvas } = chart;
  const { min, max } = chart.options.scales.x;
  const all = [min, max];
  let from;
  const at = ({ offsetX }) => {
    const { left, right } = chart.chartArea;
    return Math.min(right, Math.max(left, offsetX));
  };
  const mark = (span) => {
    chart.$span = span;
    chart.draw();
  };
  const end = () => {
    from = undefined;
    mark(undefined);
  };
  return {
    pointerdown(event) {
      if (event.button !== 0) return;
      from = at(event);
      canvas.setPointerCapture(event.pointerId);
    },
    pointermove(event) {
      if (from !== undefined) mark([from, at(event)]);
    },
    pointerup(event) {
      if (from === undefined) return;
      const [low, high] = [from, at(event)].sort((a, b) => a - b);
      end();
      if (high - low < SHORTEST_DRAG) return;
      seeTimes(chart, [low, high].map((pixel) => chart.scales.x.getValueForPixel(pixel)));
    },
    pointercancel: end,
    dblclick: () => seeTimes(chart, all),
  };
}

Chart.register({
  id: "zoom",

  start(chart) {
    const { canvas } = chart;
    chart.$zoom = zoomListeners(chart);
    // A finger that goes up or down scrolls the page.
    canvas.style.touchAction = "pan-y";
    for (const [type, listen] of Object.entries(chart.$zoom)) {
      canvas.addEventListener(type, listen);
    }
  },

  stop({ canvas, $zoom }) {
    for (const [type, listen] of Object.entries($zoom ?? {})) {
      canvas?.removeEventListener(type, listen);
    }
  },

  afterDraw({ ctx, chartArea: { top, bottom }, $span }) {
    if (!$span) return;
    ctx.save();
    ctx.fillStyle = color("band");
    ctx.fillRect($span[0], top, $span[1] - $span[0], bottom - top);
    ctx.restore();
  },
});
