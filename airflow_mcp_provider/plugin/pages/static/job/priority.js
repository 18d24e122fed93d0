// The change of the priority of a waiting run. See lib/action.js.

import { at, post } from "../lib/api.js";
import { h } from "../lib/react.js";

const MOST = 1000;

// One above the run that goes first, so that the run is the next to start.
const proposed = (run, first) => Math.min(MOST, run.run === first.run ? run.priority : Math.max(run.priority, first.priority + 1));

const fieldOf = (run, first) => ({
  name: "priority",
  label: "Priority",
  type: "number",
  min: -MOST,
  max: MOST,
  required: true,
  initial: proposed(run, first),
  help: `-${MOST} to ${MOST}`,
});

// `first`: the run that starts next.
export const priorityOf = (run, first) => ({
  question: {
    // A name has a direction of its own.
    title: ["Priority of ", h("bdi", { key: "run" }, run.run)],
    text: `The run with the highest priority starts first. The priority of this run is ${run.priority}, that of the first run in the queue is ${first.priority}.`,
    fields: [fieldOf(run, first)],
    action: "Set priority",
  },
  send: ({ priority }) => post(at`jobs/${run.job}/runs/${run.run}/priority`, { priority: Number(priority) }),
  done: () => `The priority of ${run.run} was changed.`,
});
