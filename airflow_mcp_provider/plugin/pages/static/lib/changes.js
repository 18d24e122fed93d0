// The changes of a run that more than one page has. See action.js.

import { at, post } from "./api.js";
import { h } from "./react.js";
import { count } from "./texts.js";

const WITHDRAW = "The run leaves the queue of its job, and does not start.";
const STOP = "Nothing of it starts any more. Work that is running is asked to end, and is killed after the grace.";
const REASON = { name: "reason", label: "Reason", help: "It is shown with the run." };
const GRACE = { name: "grace", label: "Grace in seconds", type: "number", min: 0, max: 3600, help: "Empty: as Airflow is configured." };

const reached = ({ running, waiting, children }) =>
  [
    running > 0 && `${count(running, "task is", "tasks are")} asked to end`,
    waiting > 0 && `${count(waiting, "task does", "tasks do")} not start`,
    children > 0 && `${count(children, "run of another job is", "runs of other jobs are")} cancelled`,
  ].filter(Boolean);

const cancelled = (answer) => [`Run ${answer.run} is ${answer.state}`, ...reached(answer)].join(", ");

// `active`: it has left the queue.
export const cancelOf = ({ job, run, active }) => ({
  question: {
    // A name has a direction of its own.
    title: ["Cancel run ", h("bdi", { key: "run" }, run), "?"],
    text: active ? STOP : WITHDRAW,
    fields: active ? [REASON, GRACE] : [REASON],
    action: "Cancel the run",
    palette: "red",
    keep: "Keep it",
  },
  send: ({ reason, grace = "" }) => post(at`jobs/${job}/runs/${run}/cancel`, grace === "" ? { reason } : { reason, grace: Number(grace) }),
  done: cancelled,
});
