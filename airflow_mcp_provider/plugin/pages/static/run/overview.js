// The run as a whole: its state and why it is so, one bar for all subtasks, the rate and the time left.

import { jobPath, logPath } from "../lib/links.js";
import { Alert, Box, Flex, HStack, PageLink, Span, Text, VisuallyHidden, h, useEffect, useRef, useState } from "../lib/react.js";
import { OWN_COLORS, StateBadge, stateOf } from "../lib/state.js";
import { count } from "../lib/texts.js";
import { Elapsed, Time, between, duration, useNow } from "../lib/time.js";
import { endedText, growthText, partsOf, rateText } from "./texts.js";

const ORDER = ["succeeded", "failed", "skipped", "running", "waiting"];
const STRIPES = "repeating-linear-gradient(45deg, transparent 0 4px, rgba(255, 255, 255, 0.35) 4px 8px)";
const PATTERN = { failed: { backgroundImage: STRIPES }, skipped: { opacity: 0.6 } };

const Fact = ({ name, children }) => h(HStack, { gap: 1 }, h(Span, { color: "fg.muted" }, name), h(Span, { overflowWrap: "anywhere" }, children));

const place = (run) => (run.position === null ? null : h(Fact, { name: "position" }, `${run.position} in the queue`));

const times = (run) => [
  h(Fact, { key: "submitted", name: "submitted" }, h(Time, { value: run.submitted })),
  run.not_before && !run.started && h(Fact, { key: "not_before", name: "not before" }, h(Time, { value: run.not_before })),
  run.started && h(Fact, { key: "started", name: "started" }, h(Time, { value: run.started })),
  run.started && h(Fact, { key: "took", name: run.ended ? "took" : "runs for" }, run.ended ? duration(between(run.started, run.ended)) : h(Elapsed, { since: run.started })),
];

// The tasks that are no subtasks. Their logs have the reason why a run has none, or no result.
const Logs = ({ run }) =>
  h(
    Fact,
    { name: "logs of" },
    ["plan", "report"].map((task) =>
      h(PageLink, { key: task, to: logPath(run.job, run.run, task), "aria-label": `Log of ${task}`, me: 2 }, task),
    ),
  );

const Facts = ({ run }) =>
  h(
    Flex,
    { columnGap: 4, rowGap: 1, wrap: "wrap", align: "center", fontSize: "sm" },
    h(StateBadge, { state: run.state }),
    place(run),
    run.state === "queued" && h(Fact, { name: "priority" }, run.priority),
    typeof run.parallelism === "number" && h(Fact, { name: "parallelism" }, run.parallelism),
    run.submitter && h(Fact, { name: "by" }, run.submitter),
    times(run),
    h(PageLink, { to: jobPath(run.job) }, "Queue of the job"),
    run.started && h(Logs, { run }),
  );

const TITLES = {
  queued: "Why it waits",
  cancelling: "Why it is cancelled",
  completed: "What it did",
  partial: "Why it succeeded in part",
  error: "Why it failed",
  timeout: "Why it was ended",
  cancelled: "Why it was cancelled",
};
const KINDS = { error: "error", timeout: "error", partial: "warning", cancelled: "warning", cancelling: "warning" };

// Why a run waits or how it ended. A text of a job may be long and have lines.
const Why = ({ run }) => {
  const why = run.error ?? run.reason;
  if (!why) return null;
  const text = h(Box, { maxH: "10em", overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere", dir: "auto" }, why.text);
  const content = h(Alert.Content, null, h(Alert.Title, null, TITLES[run.state] ?? why.code), h(Alert.Description, null, text));
  return h(Alert.Root, { status: KINDS[run.state] ?? "info", size: "sm", "data-testid": "why" }, h(Alert.Indicator), content);
};

const Segment = ({ state, number, known }) =>
  number > 0 &&
  h(Box, {
    bg: state === "waiting" ? "transparent" : `${stateOf(state).palette}.solid`,
    style: { width: `${(100 * number) / known}%`, minWidth: 2, ...PATTERN[state] },
    title: `${number} ${stateOf(state).text}`,
  });

const Bar = ({ progress, growth }) => {
  const parts = partsOf(progress);
  const known = Math.max(1, progress.known);
  const text = [`${endedText(progress)} ended`, ...ORDER.map((state) => `${parts[state]} ${state}`), growth].filter(Boolean).join(", ");
  return h(
    Flex,
    {
      role: "progressbar",
      "aria-label": "Subtasks that have ended",
      "aria-valuemin": 0,
      "aria-valuemax": known,
      "aria-valuenow": progress.done + progress.failed + progress.skipped,
      "aria-valuetext": text,
      h: "14px",
      borderRadius: "sm",
      borderWidth: 1,
      overflow: "hidden",
      bg: "bg.muted",
      css: OWN_COLORS,
    },
    ORDER.map((state) => h(Segment, { key: state, state, number: parts[state], known })),
  );
};

// After the end, states that no subtask has say nothing.
const Legend = ({ progress, done }) => {
  const parts = partsOf(progress);
  const shown = ORDER.filter((state) => !done || parts[state] > 0);
  const one = (state) =>
    h(HStack, { key: state, gap: 1, as: "li" }, h(Span, { "aria-hidden": true, color: `${stateOf(state).palette}.fg` }, stateOf(state).symbol), `${parts[state]} ${stateOf(state).text}`);
  return h(Flex, { as: "ul", gap: 3, wrap: "wrap", listStyleType: "none", "aria-label": "Subtasks by state" }, shown.map(one));
};

// The end that was expected moves with each look at the run; between two looks the seconds count down.
const TimeLeft = ({ eta }) => {
  const now = useNow();
  const left = between(now, eta);
  return left > 0 ? h(Span, null, `about ${duration(left)} left, until `, h(Time, { value: eta })) : null;
};

const Whole = ({ run }) => {
  const { progress } = run;
  const growth = growthText(run);
  const known = h(Text, { as: "span", fontWeight: "medium" }, `${endedText(progress)} ended`);
  return h(
    Box,
    { "data-testid": "whole" },
    h(Bar, { progress, growth }),
    h(
      Flex,
      { mt: 1, columnGap: 4, wrap: "wrap", fontSize: "sm", align: "baseline" },
      known,
      growth && h(Span, { color: "fg.muted" }, growth),
      h(Legend, { progress, done: run.done }),
      !run.done && progress.rate > 0 && h(Span, null, rateText(progress.rate)),
      !run.done && progress.eta && h(TimeLeft, { eta: progress.eta }),
    ),
    progress.message && !run.done && h(Text, { fontSize: "sm", color: "fg.muted", truncate: true, title: progress.message, dir: "auto", m: 0 }, progress.message),
  );
};

// A screen reader gets the changes of the state, not each number.
// In a region of its own: that of the page has the results of actions.
const StateNews = ({ run }) => {
  const [news, setNews] = useState("");
  const before = useRef(run.state);
  useEffect(() => {
    if (before.current !== run.state) setNews(`The run is ${stateOf(run.state).text} now, ${count(run.progress?.failed ?? 0, "subtask")} failed`);
    before.current = run.state;
  }, [run.state]);
  return h(VisuallyHidden, { role: "status", "aria-live": "polite" }, news);
};

export const Overview = ({ run }) =>
  h(
    Box,
    { display: "flex", flexDirection: "column", gap: 2 },
    h(StateNews, { run }),
    h(Facts, { run }),
    h(Why, { run }),
    run.note && h(Fact, { name: "note" }, h(Span, { dir: "auto", whiteSpace: "pre-wrap" }, run.note)),
    run.progress && h(Whole, { run }),
  );

