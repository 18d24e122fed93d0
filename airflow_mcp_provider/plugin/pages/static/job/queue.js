// The waiting runs of the job, in the order in which they start.

import { cancelOf } from "../lib/changes.js";
import { Box, Button, HStack, Table, Text, h, memo } from "../lib/react.js";
import { Elapsed } from "../lib/time.js";
import { priorityOf } from "./priority.js";
import { Person, RunLink, Section, Words } from "./text.js";

const HEADS = ["Position", "Run", "Submitter", "Waits", "Priority", "Change"];
const SAID_ABOVE = new Set(["behind"]); // the position has it

const Why = ({ reason }) =>
  reason && !SAID_ABOVE.has(reason.code)
    ? h(Text, { color: "fg.muted", fontSize: "xs", m: 0 }, h(Words, { text: reason.text, most: 200 }))
    : null;

const Change = ({ label, run, onClick }) =>
  h(Button, { size: "2xs", variant: "outline", "aria-label": `${label} ${run.run}`, onClick }, label);

const Row = ({ run, first, ask }) => {
  const cells = [
    run.position,
    [h(RunLink, { key: "run", job: run.job, run: run.run }), h(Why, { key: "why", reason: run.reason })],
    h(Person, { name: run.submitter }),
    h(Elapsed, { since: run.submitted, style: { whiteSpace: "nowrap" } }),
    run.priority,
    h(
      HStack,
      { gap: 1 },
      h(Change, { label: "Priority…", run, onClick: () => ask(priorityOf(run, first)) }),
      h(Change, { label: "Cancel…", run, onClick: () => ask(cancelOf({ ...run, active: false })) }),
    ),
  ];
  return h(Table.Row, null, cells.map((cell, index) => h(Table.Cell, { key: HEADS[index] }, cell)));
};

// A poll makes new objects of the same values: 100 rows are not rendered again for them.
const same = (old, now) => JSON.stringify([old.run, old.first]) === JSON.stringify([now.run, now.first]);
const QuietRow = memo(Row, same);

const count = (job) => {
  const shown = job.queue.length;
  if (job.queued > shown) return `The first ${shown} of ${job.queued} waiting runs.`;
  return shown === 1 ? "1 run waits." : `${shown} runs wait.`;
};

const Runs = ({ job, ask }) => {
  const heads = HEADS.map((text) => h(Table.ColumnHeader, { key: text, scope: "col" }, text));
  const rows = job.queue.map((run) => h(QuietRow, { key: run.run, run, first: job.queue[0], ask }));
  const frame = { overflow: "auto", maxH: "24em", tabIndex: 0, role: "region", "aria-label": "Waiting runs" };
  return h(
    Box,
    frame,
    h(
      Table.Root,
      { size: "sm", stickyHeader: true, "data-testid": "queue" },
      h(Table.Header, null, h(Table.Row, null, heads)),
      h(Table.Body, null, rows),
    ),
  );
};

export const Queue = ({ job, ask }) =>
  h(
    Section,
    { title: "Queue" },
    h(Text, { color: "fg.muted", mb: 1 }, job.queue.length ? count(job) : "No run waits. A run that is submitted while another one is active waits here."),
    job.queue.length > 0 && h(Runs, { job, ask }),
  );
