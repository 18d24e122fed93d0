// What a user can do to a job: trigger a run, pause or resume, cancel the active run.

import { ActionButton } from "../lib/action.js";
import { at, post } from "../lib/api.js";
import { HStack, h } from "../lib/react.js";
import { TriggerButton } from "../lib/trigger.js";

const MOST_REASON = 500;

const Pause = ({ job, refresh }) => {
  const [verb, path] = job.paused ? ["Resume", at`jobs/${job.job}/resume`] : ["Pause", at`jobs/${job.job}/pause`];
  const onClick = async () => {
    await post(path);
    await refresh();
  };
  const done = job.paused ? `${job.job} is resumed` : `${job.job} is paused: no run and no task of it starts`;
  return h(ActionButton, { label: `${verb} ${job.job}`, onClick, done }, verb);
};

const Cancel = ({ job, refresh }) => {
  const run = job.holder?.run;
  const confirm = {
    title: `Cancel the active run of ${job.job}?`,
    text: `The running subtasks of ${run} are asked to end, and the others do not start.`,
    action: "Cancel the run",
    cancel: "Keep it",
    palette: "red",
    field: { label: "Reason", placeholder: "shown with the run", maxLength: MOST_REASON },
  };
  const onClick = async (reason) => {
    const answer = await post(at`jobs/${job.job}/runs/${run}/cancel`, { reason });
    await refresh();
    return answer;
  };
  const done = (answer) => `${run} is ${answer.state}: ${answer.running} running tasks are asked to end`;
  return h(ActionButton, { label: `Cancel the active run of ${job.job}`, onClick, confirm, done, disabled: !run }, "Cancel");
};

export const Actions = ({ job, refresh }) =>
  h(HStack, { gap: 1 }, h(TriggerButton, { job: job.job }), h(Pause, { job, refresh }), h(Cancel, { job, refresh }));
