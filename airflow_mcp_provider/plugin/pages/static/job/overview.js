// The description of the job, the error of its spec, and who holds its slot.

import { cancelOf } from "../lib/changes.js";
import { Alert, Badge, Button, HStack, Text, h } from "../lib/react.js";
import { StateBadge } from "../lib/state.js";
import { Elapsed } from "../lib/time.js";
import { Lines, Person, RunLink, Section, Words } from "./text.js";

const SpecError = ({ error }) =>
  h(
    Alert.Root,
    { status: "error", role: "alert", "data-testid": "spec-error" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      { minW: 0 },
      h(Alert.Title, null, "The spec has an error"),
      h(Lines, { maxH: "16em", mt: 1, tabIndex: 0, role: "region", "aria-label": "Error of the spec" }, error),
    ),
  );

const Holder = ({ job, holder, ask }) => {
  const run = { job: job.job, run: holder.run };
  const cancel = { size: "2xs", variant: "outline", "aria-label": `Cancel… ${holder.run}` };
  return h(
    HStack,
    { wrap: "wrap", gap: 2, "data-testid": "holder" },
    h(StateBadge, { state: "running" }),
    h(RunLink, run),
    h("span", null, "for ", h(Elapsed, { since: holder.since })),
    h("span", null, "submitted by ", h(Person, { name: holder.submitter })),
    h(Button, { ...cancel, onClick: () => ask(cancelOf({ ...run, active: true })) }, "Cancel…"),
  );
};

const idle = (job) => {
  if (!job.queued) return "No run is active, and none waits.";
  return "No run is active.";
};

const Paused = () =>
  h(Text, { mb: 1 }, h(Badge, { colorPalette: "orange", me: 2 }, "⏸ paused"), "No run and no task of it starts until it is resumed, on the page Jobs or with the switch of the DAG.");

export const Overview = ({ job, ask }) => [
  job.description && h(Text, { key: "description", color: "fg.muted", mb: 1 }, h(Words, { text: job.description })),
  job.error && h(SpecError, { key: "error", error: job.error }),
  job.paused && h(Paused, { key: "paused" }),
  h(
    Section,
    { key: "active", title: "Active run" },
    job.holder ? h(Holder, { job, holder: job.holder, ask }) : h(Text, { color: "fg.muted" }, idle(job)),
  ),
];
