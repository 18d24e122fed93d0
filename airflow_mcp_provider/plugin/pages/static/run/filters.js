// Which subtasks are shown: by state, step and a text in the key or the payload.

import { Box, Button, Flex, Input, NativeSelect, h, useEffect, useRef, useState } from "../lib/react.js";
import { SUBTASK_STATES, stateOf } from "../lib/state.js";
import { NO_FILTER, isFlat } from "./store.js";
import { countsOf } from "./texts.js";

const WAIT = 300; // ms after the last key, so that each letter is not a request

const Choice = ({ label, value, change, options }) =>
  h(
    NativeSelect.Root,
    { size: "sm", w: "auto" },
    h(
      NativeSelect.Field,
      { "aria-label": label, value, onChange: (event) => change(event.target.value) },
      options.map(([one, text]) => h("option", { key: one, value: one }, text)),
    ),
    h(NativeSelect.Indicator),
  );

const Search = ({ value, change }) => {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (event) => {
    const next = event.target.value;
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change(next.trim()), WAIT);
  };
  return h(Input, { size: "sm", w: "16rem", type: "search", maxLength: 200, "aria-label": "Text in the key or the payload", placeholder: "Key or payload", value: text, onChange: type });
};

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
    h(Choice, { label: "State", value: filter.state, change: (state) => set({ state }), options: states }),
    steps.length > 1 && h(Choice, { label: "Step", value: filter.step, change: (step) => set({ step }), options: names }),
    h(Search, { value: filter.text, change: (text) => set({ text }) }),
    isFlat(filter) && h(Button, { size: "xs", variant: "ghost", onClick: () => change(NO_FILTER) }, "Show the tree"),
    failed && h(Button, { size: "xs", variant: "outline", onClick: () => set({ state: "failed" }) }, `Show the ${counts.failed} failed`),
    h(Box, { flex: 1 }),
  );
};
