// What a user can do to a job: trigger a run, pause or resume, cancel the active run.

import { ActionButton } from "../lib/action.js";
import { at, post } from "../lib/api.js";
import { cancelOf } from "../lib/changes.js";
import { HStack, h } from "../lib/react.js";
import { TriggerButton } from "../lib/trigger.js";

const pauseOf = ({ job }) => ({
  send: () => post(at`jobs/${job}/pause`),
  done: () => `${job} is paused: no run and no task of it starts`,
});

const resumeOf = ({ job }) => ({
  send: () => post(at`jobs/${job}/resume`),
  done: () => `${job} is resumed`,
});

const Pause = ({ job, refresh }) => {
  const [verb, change] = job.paused ? ["Resume", resumeOf(job)] : ["Pause", pauseOf(job)];
  return h(ActionButton, { label: `${verb} ${job.job}`, change, refresh }, verb);
};

const Cancel = ({ job, refresh }) => {
  const run = job.holder?.run;
  const change = cancelOf({ job: job.job, run, active: true });
  return h(ActionButton, { label: `Cancel the active run of ${job.job}`, change, refresh, disabled: !run }, "Cancel…");
};

export const Actions = ({ job, refresh }) =>
  h(HStack, { gap: 1 }, h(TriggerButton, { job: job.job }), h(Pause, { job, refresh }), h(Cancel, { job, refresh }));
