// A bar for each ended run, as SVG. The page has the same values as text and in a table: here they are one image.

import { Box, h, useId } from "../lib/react.js";
import { stateOf } from "../lib/state.js";
import { duration, written } from "../lib/time.js";
import { share } from "./numbers.js";

const [STEP, BAR, HEIGHT, TOP, LEFT] = [16, 12, 80, 16, 52];
const color = (state, part = "solid") => `var(--chakra-colors-${stateOf(state).palette}-${part})`;
const FAILED = ["partial", "error", "timeout", "cancelled"];

// Stripes in four directions: the states differ without their colors.
const ANGLES = { partial: 0, error: 45, timeout: 135, cancelled: 90 };
const Stripes = ({ id, state }) =>
  h(
    "pattern",
    { id: `${id}-${state}`, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${ANGLES[state]})` },
    h("rect", { width: 4, height: 4, style: { fill: color(state, "muted") } }),
    h("rect", { width: 2, height: 4, style: { fill: color(state) } }),
  );

const title = (run) => `${run.run}: ${stateOf(run.state).text}, ${run.started ? `${duration(run.duration)}, ${written(run.started)}` : "did not start"}`;

const Bar = ({ run, index, longest, id }) => {
  const high = Math.round(share(run.duration, longest) * HEIGHT);
  const left = LEFT + index * STEP;
  const filled = FAILED.includes(run.state) ? `url(#${id}-${run.state})` : color(run.state);
  const place = { x: left, y: TOP + HEIGHT - high, width: BAR, height: high };
  const symbol = { x: left + BAR / 2, y: TOP + HEIGHT - high - 3, textAnchor: "middle", style: { fontSize: 11 }, fill: "currentColor" };
  return h(
    "g",
    { "data-state": run.state },
    h("title", null, title(run)),
    h("rect", { x: left, y: 0, width: BAR, height: TOP + HEIGHT, fill: "transparent" }), // the title of a short bar, too
    h("rect", { ...place, style: { fill: filled, stroke: color(run.state) } }),
    FAILED.includes(run.state) && h("text", symbol, stateOf(run.state).symbol),
  );
};

const SMALL = { style: { fontSize: 10 }, fill: "currentColor" };
const Scale = ({ longest, width }) => [
  h("text", { key: "most", x: LEFT - 4, y: TOP + 9, textAnchor: "end", ...SMALL }, duration(longest)),
  h("text", { key: "least", x: LEFT - 4, y: TOP + HEIGHT, textAnchor: "end", ...SMALL }, "0"),
  h("line", { key: "base", x1: LEFT, x2: width, y1: TOP + HEIGHT, y2: TOP + HEIGHT, stroke: "currentColor", opacity: 0.4 }),
];

export const Chart = ({ runs, longest, label }) => {
  const id = `bar${useId().replace(/\W/g, "")}`;
  const [width, height] = [LEFT + runs.length * STEP, TOP + HEIGHT + 2];
  const size = { viewBox: `0 0 ${width} ${height}`, width, height, style: { maxWidth: "100%" } };
  return h(
    Box,
    { color: "fg.muted", mb: 1 },
    h(
      "svg",
      { role: "img", "aria-label": label, "data-testid": "chart", ...size },
      h("defs", null, FAILED.map((state) => h(Stripes, { key: state, id, state }))),
      h(Scale, { longest, width }),
      runs.map((run, index) => h(Bar, { key: run.run, run, index, longest, id })),
    ),
  );
};
