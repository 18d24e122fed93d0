// What a person can do to a run. Each is a JSON POST; where it is refused, the dialog shows why.

import { ActionButton } from "../lib/action.js";
import { at, post } from "../lib/api.js";
import { Fragment, Input, h, useEffect, useRef } from "../lib/react.js";
import { count } from "./texts.js";

const pathOf = (run) => at`jobs/${run.job}/runs/${run.run}`;

const CANCEL = "Tasks that are working are asked to end, and are killed after the grace; nothing else starts.";
const WITHDRAW = "The run leaves the queue of its job.";

// The dialog keeps the elements that it was opened with: the field has its own value, and `grace` is a ref to it.
const Grace = ({ grace }) => {
  useEffect(() => {
    grace.current = "";
  }, []);
  return h(
    "label",
    { style: { display: "block", marginTop: "0.75rem" } },
    "Grace in seconds (empty: the setting of this Airflow)",
    h(Input, { type: "number", min: 0, max: 3600, defaultValue: "", onChange: (event) => (grace.current = event.target.value) }),
  );
};

const CancelButton = ({ run, changed, display }) => {
  const grace = useRef("");
  const queued = run.state === "queued";
  const text = queued ? WITHDRAW : h(Fragment, null, CANCEL, h(Grace, { grace }));
  const cancel = async (reason) => {
    const body = { reason, ...(grace.current === "" || queued ? {} : { grace: Number(grace.current) }) };
    const found = await post(`${pathOf(run)}/cancel`, body);
    changed();
    return found;
  };
  const done = ({ running, waiting, children }) =>
    `Cancelled: ${count(running, "task")} asked to end, ${waiting} not started${children ? `, ${count(children, "run")} of other jobs` : ""}`;
  const field = { label: "Reason (shown with the run)", maxLength: 500 };
  const confirm = { title: `Cancel run ${run.run}?`, text, field, action: "Cancel the run", palette: "red", cancel: "Keep it" };
  return h(ActionButton, { label: "Cancel…", onClick: cancel, confirm, done, display });
};

const RetryButton = ({ run, changed, display }) => {
  const { failed = 0, skipped = 0 } = run.progress ?? {};
  const retry = async () => {
    const found = await post(`${pathOf(run)}/retry`);
    changed();
    return found;
  };
  const text = `${count(failed, "failed subtask")} and ${skipped} skipped will run again, and then the report. What has succeeded is kept. The run waits in the queue of its job.`;
  const done = ({ subtasks }) => `${count(subtasks, "subtask")} will run again`;
  const confirm = { title: "Retry what failed?", text, action: "Retry" };
  return h(ActionButton, { label: "Retry failed…", onClick: retry, confirm, done, display });
};

/** Run one subtask of an ended run again. */
export const RetryOne = ({ run, subtask, changed }) => {
  const retry = async () => {
    const found = await post(`${pathOf(run)}/retry`, { keys: [subtask.key] });
    changed();
    return found;
  };
  const text = "The subtask will run again in the step that it has reached, and then the report. The run waits in the queue of its job.";
  const confirm = { title: `Retry ${subtask.key}?`, text, action: "Retry" };
  return h(ActionButton, { label: "Retry this subtask…", onClick: retry, confirm, done: "The subtask will run again" });
};

const ParallelismButton = ({ run, changed, display }) => {
  const change = async (value) => {
    const found = await post(`${pathOf(run)}/parallelism`, { parallelism: value.trim() === "" ? null : Number(value) });
    changed();
    return found;
  };
  const help = "Empty: the value of the job's spec.";
  const field = { label: "Tasks at the same time", type: "number", min: 1, max: 10_000, initial: run.parallelism ?? "", help };
  const text = "How many tasks of this run may run at the same time. Tasks that are running go on.";
  const confirm = { title: "Change the parallelism?", text, field, action: "Change" };
  return h(ActionButton, { label: "Parallelism…", onClick: change, confirm, done: "Parallelism changed", display });
};

/** The buttons for the state of the run. The others are hidden, not gone: a dialog of theirs may be open. */
export const Actions = ({ run, changed }) => {
  const active = ["queued", "running"].includes(run.state);
  const { failed = 0, skipped = 0 } = run.progress ?? {};
  const shown = (is) => (is ? undefined : "none");
  const retries = run.done && (failed + skipped > 0 || run.state !== "completed");
  return h(
    Fragment,
    null,
    h(ParallelismButton, { run, changed, display: shown(active) }),
    h(CancelButton, { run, changed, display: shown(active) }),
    h(RetryButton, { run, changed, display: shown(retries) }),
  );
};
