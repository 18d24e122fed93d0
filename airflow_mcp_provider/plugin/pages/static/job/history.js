// The latest ended runs: a chart of their durations, and a table with the same values.

import { at, get } from "../lib/api.js";
import { ErrorBox } from "../lib/parts.js";
import { usePoll } from "../lib/poll.js";
import { Box, HStack, Table, Text, h, useMemo } from "../lib/react.js";
import { RUN_STATES, StateBadge, stateOf } from "../lib/state.js";
import { Time, duration } from "../lib/time.js";
import { Chart } from "./chart.js";
import { history, summary } from "./numbers.js";
import { Person, RunLink, Section, Words } from "./text.js";

const MOST = 40;
const SELDOM = 60_000;
const ENDED = RUN_STATES.slice(3);
const HEADS = ["Run", "State", "Started", "Duration", "Submitter", "Failed subtasks", "Reason"];

const Row = ({ run }) => {
  const cells = [
    h(RunLink, { job: run.job, run: run.run }),
    h(StateBadge, { state: run.state }),
    run.started ? h(Time, { value: run.started }) : "did not start",
    duration(run.duration),
    h(Person, { name: run.submitter }),
    run.failed ?? "–",
    run.reason ? h(Words, { text: run.reason.text, most: 120 }) : "–",
  ];
  return h(Table.Row, null, cells.map((cell, index) => h(Table.Cell, { key: HEADS[index] }, cell)));
};

const Rows = ({ runs }) => {
  const heads = HEADS.map((text) => h(Table.ColumnHeader, { key: text, scope: "col" }, text));
  const body = h(Table.Body, null, [...runs].reverse().map((run) => h(Row, { key: run.run, run })));
  const frame = { overflow: "auto", maxH: "24em", tabIndex: 0, role: "region", "aria-label": "Ended runs" };
  return h(Box, frame, h(Table.Root, { size: "sm", "data-testid": "history" }, h(Table.Header, null, h(Table.Row, null, heads)), body));
};

const inWords = (ended, { counts, median, longest }) => {
  const states = ENDED.filter((state) => counts[state]).map((state) => `${counts[state]} ${stateOf(state).text}`);
  const times = median === null ? "none has started" : `median ${duration(median)}, longest ${duration(longest)}`;
  return `${ended.length === 1 ? "1 ended run" : `${ended.length} ended runs`}: ${states.join(", ")}; ${times}`;
};

const Legend = ({ counts }) => {
  const found = ENDED.filter((state) => counts[state]);
  return h(HStack, { gap: 3, wrap: "wrap" }, found.map((state) => h("span", { key: state }, h(StateBadge, { state }), ` ${counts[state]}`)));
};

const CAPTION = "Durations, the latest run on the right.";
const Durations = ({ ended, found }) =>
  h(
    Box,
    null,
    h(Text, { color: "fg.muted", fontSize: "sm", m: 0 }, CAPTION),
    h(Chart, { runs: ended, longest: found.longest, label: `${CAPTION} ${inWords(ended, found)}` }),
  );

const Ended = ({ runs }) => {
  const ended = useMemo(() => history(runs), [runs]);
  const found = summary(ended);
  if (!ended.length) return h(Text, { color: "fg.muted" }, "No run has ended yet.");
  return h(
    Box,
    null,
    h(Text, { m: 0, "data-testid": "summary" }, `${inWords(ended, found)}.`),
    found.longest !== null && h(Durations, { ended, found }),
    h(Legend, found),
    h("details", null, h("summary", null, "Ended runs as a table"), h(Rows, { runs: ended })),
  );
};

// Changes when a run of the job has ended, so that the history is read then, and not with each poll of the page.
const keyOf = (job) => {
  const ended = job.last.filter((run) => run.done).map((run) => [run.run, run.state, run.ended]);
  return JSON.stringify([job.job, job.holder?.run, ended]);
};

export const History = ({ job }) => {
  const load = (signal) => get(at`jobs/${job.job}/runs`, { signal, query: { state: ENDED, limit: MOST } });
  const { data, error, refresh } = usePoll(load, { key: keyOf(job), every: SELDOM, keep: true });
  return h(
    Section,
    { title: "History" },
    error && h(ErrorBox, { error, onRetry: refresh, kept: Boolean(data) }),
    data && h(Ended, { runs: data.runs }),
  );
};
