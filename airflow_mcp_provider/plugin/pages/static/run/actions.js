// What a person can do to a run. Each is a JSON POST; where it is refused, the dialog shows why.

import { ActionButton } from "../lib/action.js";
import { at, post } from "../lib/api.js";
import { cancelOf } from "../lib/changes.js";
import { Fragment, h } from "../lib/react.js";
import { count } from "../lib/texts.js";

const pathOf = (run) => at`jobs/${run.job}/runs/${run.run}`;

const QUEUED = "The run waits in the queue of its job.";
const again = ({ subtasks }) => `${count(subtasks, "subtask")} will run again`;

const retryOf = (run, { failed, skipped }) => ({
  question: {
    title: "Retry what failed?",
    text: `${count(failed, "failed subtask")} and ${skipped} skipped will run again, and then the report. What has succeeded is kept. ${QUEUED}`,
    action: "Retry",
  },
  send: () => post(`${pathOf(run)}/retry`),
  done: again,
});

const retryOneOf = (run, subtask) => ({
  question: {
    title: `Retry ${subtask.key}?`,
    text: `The subtask will run again in the step that it has reached, and then the report. ${QUEUED}`,
    action: "Retry",
  },
  send: () => post(`${pathOf(run)}/retry`, { keys: [subtask.key] }),
  done: again,
});

const parallelismOf = (run) => ({
  question: {
    title: "Change the parallelism?",
    text: "How many tasks of this run may run at the same time. Tasks that are running go on.",
    fields: [
      {
        name: "parallelism",
        label: "Tasks at the same time",
        type: "number",
        min: 1,
        max: 10_000,
        initial: run.parallelism ?? "",
        help: "Empty: the value of the job's spec.",
      },
    ],
    action: "Change",
  },
  send: ({ parallelism }) => post(`${pathOf(run)}/parallelism`, { parallelism: parallelism === "" ? null : Number(parallelism) }),
  done: () => "Parallelism changed",
});

/** Run one subtask of an ended run again. */
export const RetryOne = ({ run, subtask, changed }) =>
  h(ActionButton, { label: "Retry this subtask…", change: retryOneOf(run, subtask), refresh: changed });

/** The buttons for the state of the run. The others are hidden, not gone: a dialog of theirs may be open. */
export const Actions = ({ run, changed: refresh }) => {
  const { failed = 0, skipped = 0 } = run.progress ?? {};
  const active = ["queued", "running"].includes(run.state);
  const retries = run.done && (failed + skipped > 0 || run.state !== "completed");
  const cancel = cancelOf({ ...run, active: run.state !== "queued" });
  const shown = (is) => (is ? undefined : "none");
  return h(
    Fragment,
    null,
    h(ActionButton, { label: "Parallelism…", change: parallelismOf(run), refresh, display: shown(active) }),
    h(ActionButton, { label: "Cancel…", change: cancel, refresh, display: shown(active) }),
    h(ActionButton, { label: "Retry failed…", change: retryOf(run, { failed, skipped }), refresh, display: shown(retries) }),
  );
};
