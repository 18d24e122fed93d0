// Changes of a run: priority and cancel. The dialog belongs to the page, not to the row of a run, which may be gone
// (the run has started) before the refusal was read.

import { Question, useAnnounce } from "../lib/action.js";
import { at, post } from "../lib/api.js";
import { h, useCallback, useRef, useState } from "../lib/react.js";

const MOST = 1000;

// One above the run that goes first, so that the run is the next to start.
const proposed = (run, first) => Math.min(MOST, run.run === first.run ? run.priority : Math.max(run.priority, first.priority + 1));

// A name has a direction of its own.
const titled = (before, run, after = "") => [before, h("bdi", { key: "run" }, run.run), after];

export const priorityOf = (run, first) => ({
  key: `priority ${run.run}`,
  question: {
    title: titled("Priority of ", run),
    text: `A higher priority starts first. The priority of this run is ${run.priority}, that of the first run in the queue is ${first.priority}.`,
    action: "Set priority",
    field: { label: "Priority", type: "number", min: -MOST, max: MOST, required: true, initial: proposed(run, first), help: `-${MOST} to ${MOST}` },
  },
  send: (value) => post(at`jobs/${run.job}/runs/${run.run}/priority`, { priority: Number(value) }),
  done: () => `The priority of ${run.run} was changed.`,
});

const reached = (run, answer) =>
  answer?.running || answer?.waiting || answer?.children
    ? `${run.run} is ${answer.state}. Tasks that are asked to end: ${answer.running}, tasks that will not start: ${answer.waiting}, runs of other jobs: ${answer.children}.`
    : `${run.run} is ${answer?.state ?? "cancelled"}.`;

export const cancelOf = (run, active) => ({
  key: `cancel ${run.run}`,
  question: {
    title: titled("Cancel ", run, "?"),
    text: active ? "No task of it starts any more. Running work may clean up, and is killed then." : "The run leaves the queue and does not start.",
    action: "Cancel run",
    palette: "red",
    cancel: "Keep run",
    field: { label: "Reason", maxLength: 500, help: "It is shown with the run." },
  },
  send: (value) => post(at`jobs/${run.job}/runs/${run.run}/cancel`, { reason: value }),
  done: (answer) => reached(run, answer),
});

// The button that opened the dialog may be gone with its row: then the heading of its part of the page gets the focus.
const LATER = 300; // after the dialog has given the focus back
const settle = (heading) =>
  setTimeout(() => {
    if (document.activeElement === document.body) heading?.focus();
  }, LATER);

// Return `ask(change)`, which opens the dialog, and the dialog. `refresh` is called after each answer, a refusal too.
export const useChange = (refresh) => {
  const [{ change, open }, show] = useState({ change: null, open: false });
  const [{ busy, error }, set] = useState({ busy: false, error: null });
  const heading = useRef(null);
  const announce = useAnnounce();
  const ask = useCallback((wanted) => {
    heading.current = document.activeElement?.closest("section")?.querySelector("h2");
    set({ busy: false, error: null });
    show({ change: wanted, open: true });
  }, []);
  const setOpen = (wanted) => {
    if (wanted) return;
    show({ change, open: false });
    settle(heading.current);
  };
  const run = async (value) => {
    set({ busy: true, error: null });
    try {
      const answer = await change.send(value);
      set({ busy: false, error: null });
      setOpen(false);
      announce(change.done(answer));
    } catch (refusal) {
      set({ busy: false, error: refusal });
      show({ change, open: true }); // a person may have closed it meanwhile
    }
    await refresh();
    settle(heading.current);
  };
  const { key, question } = change ?? {};
  const dialog = change && h(Question, { key, question, open, setOpen, run, busy, error });
  return [ask, dialog];
};
