// The runners of the run: those that work now, and those that this page has seen end, as bars over time.

import { at, get } from "../lib/api.js";
import { Empty, ErrorBox, Loading } from "../lib/parts.js";
import { usePoll } from "../lib/poll.js";
import { Box, Button, Flex, PageLink, Span, Table, Text, h } from "../lib/react.js";
import { OWN_COLORS, stateOf } from "../lib/state.js";
import { count, visible } from "../lib/texts.js";
import { Elapsed, duration, written } from "../lib/time.js";
import { subtasksRead } from "./store.js";
import { layout, seen, ticks } from "./timeline.js";

const [MOST, REQUESTS] = [300, 8]; // subtasks that run at the same time, and requests for them: a page may be short
const laneHeight = (lanes) => Math.max(5, Math.min(12, Math.floor(480 / lanes))); // px
const MINUTES = 15;
const STRIPES = "repeating-linear-gradient(45deg, transparent 0 3px, rgba(255, 255, 255, 0.5) 3px 6px)";
const LOOKS = { failed: { backgroundImage: STRIPES }, running: { borderRightStyle: "dashed", borderRightWidth: 3 }, unknown: { opacity: 0.6 } };

// Those that run now.
const running = async (run, signal) => {
  const path = at`jobs/${run.job}/runs/${run.run}/subtasks`;
  const found = [];
  let cursor;
  for (let number = 0; number < REQUESTS && found.length < MOST && cursor !== null; number += 1) {
    const answer = await get(path, { signal, query: { state: "running", limit: 100, cursor } });
    found.push(...answer.subtasks);
    cursor = answer.next;
  }
  return { found, more: cursor !== null };
};

const textOf = ({ subtask, start, end, state }) => {
  const how = state === "unknown" ? "ended" : stateOf(state).text;
  const took = end === null ? "" : `, ${duration((end - start) / 1000)}`;
  return `${subtask.key} (${subtask.step}): ${how}${took}, since ${written(start)}`;
};

const Bar = ({ bar, lane, show }) => {
  const style = { left: `${100 * bar.x}%`, width: `${100 * bar.width}%`, top: bar.lane * lane, height: lane - (lane > 6 ? 2 : 1), minWidth: 2, ...LOOKS[bar.state] };
  const palette = bar.state === "unknown" ? "gray" : stateOf(bar.state).palette;
  return h(Box, { position: "absolute", bg: `${palette}.solid`, borderRadius: "2px", cursor: "pointer", title: textOf(bar), style, onClick: () => show(bar.subtask) });
};

const Axis = ({ from, to }) => {
  const marks = ticks(from, to).map((time) =>
    h(Span, { key: time, position: "absolute", fontSize: "xs", color: "fg.muted", whiteSpace: "nowrap", borderStartWidth: 1, ps: 1, style: { left: `${(100 * (time - from)) / (to - from)}%` } }, written(time).slice(-8)),
  );
  return h(Box, { position: "relative", h: "1.4em", overflow: "hidden", "aria-hidden": true }, marks);
};

const Timeline = ({ runners, now, show }) => {
  const { bars, all, lanes, left, from, to } = layout(runners, now, { span: MINUTES * 60_000 });
  const ended = all.filter((one) => one.state !== "running");
  const failed = ended.filter((one) => one.state === "failed").length;
  const lane = laneHeight(lanes);
  const label = `${all.length - ended.length} running, ${ended.length} ended in the last ${MINUTES} minutes, ${failed} of them failed`;
  const chart = h(Box, { role: "img", "aria-label": `Timeline of runners: ${label}`, position: "relative", css: OWN_COLORS, style: { height: Math.max(1, lanes) * lane } }, bars.map((bar) => h(Bar, { key: bar.id, bar, lane, show })));
  return h(
    Box,
    { borderWidth: 1, borderRadius: "sm", p: 2, "data-testid": "timeline" },
    chart,
    h(Axis, { from, to }),
    h(Text, { fontSize: "sm", color: "fg.muted", m: 0 }, label, left > 0 && `; ${left} more are not drawn`),
  );
};

const RunningRow = ({ subtask, show }) =>
  h(
    Table.Row,
    null,
    h(Table.Cell, { maxW: "24em" }, h(Button, { size: "xs", variant: "plain", maxW: "100%", onClick: () => show(subtask) }, h(Span, { truncate: true, dir: "auto" }, visible(subtask.key)))),
    h(Table.Cell, null, subtask.step),
    h(Table.Cell, null, subtask.attempt),
    h(Table.Cell, null, h(Elapsed, { since: subtask.started })),
    h(Table.Cell, { maxW: "24em" }, h(Text, { truncate: true, title: subtask.message, dir: "auto", m: 0 }, subtask.message)),
    h(Table.Cell, null, subtask.ui && h(PageLink, { to: subtask.ui, "aria-label": `Log of ${subtask.key}` }, "Log")),
  );

const RunningTable = ({ subtasks, show }) => {
  const heads = ["Key", "Step", "Attempt", "For", "Message", "Log"].map((name) => h(Table.ColumnHeader, { key: name, scope: "col" }, name));
  const rows = subtasks.map((one) => h(RunningRow, { key: `${one.step}\n${one.key}`, subtask: one, show }));
  return h(Table.Root, { size: "sm", "aria-label": "Subtasks that are running" }, h(Table.Header, null, h(Table.Row, null, heads)), h(Table.Body, null, rows));
};

/** `memory`: a ref that keeps what was seen while another part of the page is shown. */
export const Runners = ({ run, store, memory, show }) => {
  const load = async (signal) => {
    const now = Date.now();
    const { found, more } = run.done ? { found: [], more: false } : await running(run, signal);
    memory.current = seen(memory.current, found, subtasksRead(store), now);
    return { found, more, now };
  };
  const poll = usePoll(load, { key: `${run.run} ${run.done}`, every: 3000, until: () => run.done, keep: true });
  if (!poll.data) return poll.error ? h(ErrorBox, { error: poll.error, onRetry: poll.refresh }) : h(Loading, { label: "Loading the runners" });
  const { found, more, now } = poll.data;
  const runners = [...memory.current.values()];
  if (runners.length === 0) return h(Empty, { title: "No runner was seen yet" }, "A runner is the process or pod that does a subtask. It is shown while it runs.");
  const last = Math.max(...runners.map((one) => one.end ?? now));
  return h(
    Flex,
    { direction: "column", gap: 3, overflow: "auto", minH: 0 },
    poll.error && h(ErrorBox, { error: poll.error, onRetry: poll.refresh, kept: true }),
    h(Timeline, { runners, now: run.done ? last : now, show }),
    found.length > 0 && h(Box, { overflowX: "auto" }, h(RunningTable, { subtasks: found, show })),
    more && h(Text, { color: "fg.muted" }, `Only the first ${count(found.length, "running subtask")} are shown.`),
  );
};
