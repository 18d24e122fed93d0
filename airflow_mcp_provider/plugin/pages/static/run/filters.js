// Which subtasks are shown: by state, step and a text in the key or the payload.

import { Select, SettledSearch } from "../lib/inputs.js";
import { Button, Flex, h } from "../lib/react.js";
import { SUBTASK_STATES, stateOf } from "../lib/state.js";
import { NO_FILTER, isFlat } from "./store.js";
import { countsOf } from "./texts.js";

/** `steps`: the counts of each step of the run. */
export const Filters = ({ filter, change, steps }) => {
  const counts = countsOf(steps, filter.step);
  const numbered = (state) => [state, steps.length ? `${stateOf(state).text} (${counts[state]})` : stateOf(state).text];
  const states = [["", "All states"], ...SUBTASK_STATES.map(numbered)];
  const names = [["", "All steps"], ...steps.map((one) => [one.step, `${one.step} (${one.known})`])];
  const set = (part) => change({ ...filter, ...part });
  const failed = counts.failed > 0 && filter.state !== "failed";
  return h(
    Flex,
    { gap: 2, wrap: "wrap", align: "center", role: "search", "aria-label": "Filter of subtasks" },
    h(Select, { label: "State", value: filter.state, onChange: (state) => set({ state }), options: states }),
    steps.length > 1 && h(Select, { label: "Step", value: filter.step, onChange: (step) => set({ step }), options: names }),
    h(SettledSearch, { label: "Text in the key or the payload", hint: "Key or payload", value: filter.text, onChange: (text) => set({ text }) }),
    isFlat(filter) && h(Button, { size: "xs", variant: "ghost", onClick: () => change(NO_FILTER) }, "Show the tree"),
    failed && h(Button, { size: "xs", variant: "outline", onClick: () => set({ state: "failed" }) }, `Show the ${counts.failed} failed`),
  );
};
