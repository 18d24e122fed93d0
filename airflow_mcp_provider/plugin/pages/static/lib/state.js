// States of runs and subtasks: a symbol, a word and a color, so that none of them depends on its color alone.

import { Badge, Box, RouterLink, h } from "./react.js";

// `palette`: the colors of Airflow's states, which an installation may change in its theme. `light`: white text on them has
// not enough contrast.
const STATES = {
  queued: { symbol: "○", palette: "queued", text: "queued" },
  running: { symbol: "▶", palette: "running", light: true, text: "running" },
  cancelling: { symbol: "◌", palette: "restarting", text: "cancelling" },
  completed: { symbol: "✓", palette: "success", text: "completed" },
  partial: { symbol: "◐", palette: "up_for_retry", light: true, text: "partial success" },
  error: { symbol: "✗", palette: "failed", text: "error" },
  timeout: { symbol: "◷", palette: "upstream_failed", light: true, text: "timeout" },
  cancelled: { symbol: "⊘", palette: "removed", text: "cancelled" },
  waiting: { symbol: "○", palette: "queued", text: "waiting" },
  succeeded: { symbol: "✓", palette: "success", text: "succeeded" },
  failed: { symbol: "✗", palette: "failed", text: "failed" },
  skipped: { symbol: "»", palette: "skipped", text: "skipped" },
};

export const RUN_STATES = ["queued", "running", "cancelling", "completed", "partial", "error", "timeout", "cancelled"];
export const SUBTASK_STATES = ["waiting", "running", "succeeded", "failed", "skipped"];

// A newer server may have more states than this page.
export const stateOf = (state) => STATES[state] ?? { symbol: "?", palette: "gray", text: String(state) };

const textColor = ({ palette, light }) => (light ? "black" : `${palette}.contrast`);

export const StateBadge = ({ state, ...more }) => {
  const { symbol, palette, text, light } = stateOf(state);
  const mark = h("span", { "aria-hidden": true }, symbol);
  return h(Badge, { colorPalette: palette, variant: "solid", color: textColor({ palette, light }), whiteSpace: "nowrap", ...more }, mark, text);
};

// What has only its color as a form: the colors that a reader forces would make it one with the page.
export const OWN_COLORS = { forcedColorAdjust: "none" };

const SQUARE = {
  ...OWN_COLORS,
  alignItems: "center",
  borderRadius: "sm",
  boxSize: "18px",
  display: "inline-flex",
  flexShrink: 0,
  fontSize: "11px",
  justifyContent: "center",
  lineHeight: 1,
};

// A small square with the symbol. `label` is its whole text for a screen reader; `to` makes it a link.
export const StateSquare = ({ state, label, to, ...more }) => {
  const { symbol, palette, text, light } = stateOf(state);
  const looks = { ...SQUARE, bg: `${palette}.solid`, color: textColor({ palette, light }), title: label ?? text, ...more };
  const mark = h("span", { "aria-hidden": true }, symbol);
  if (!to) return h(Box, { role: "img", "aria-label": label ?? text, ...looks }, mark);
  return h(Box, { asChild: true, "aria-label": label ?? text, ...looks }, h(RouterLink, { to }, mark));
};
