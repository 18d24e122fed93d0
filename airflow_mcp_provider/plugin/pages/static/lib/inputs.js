// The inputs of filters.

import { Input, NativeSelect, h, useEffect, useRef, useState } from "./react.js";

export const TYPING = 300; // ms without a key before the server is asked, so that each letter is not a request

// `options`: pairs of a value and its text.
export const Select = ({ label, value, onChange, options }) =>
  h(
    NativeSelect.Root,
    { size: "sm", w: "auto" },
    h(
      NativeSelect.Field,
      { "aria-label": label, value, onChange: (event) => onChange(event.target.value) },
      options.map(([one, text]) => h("option", { key: one, value: one }, text)),
    ),
    h(NativeSelect.Indicator),
  );

// `label` is the whole text for a screen reader, `hint` the short one in the empty input.
export const Search = ({ label, hint, value, onChange, ...more }) =>
  h(Input, {
    type: "search",
    size: "sm",
    w: "16rem",
    maxLength: 200,
    "aria-label": label,
    placeholder: hint,
    value,
    onChange: (event) => onChange(event.target.value),
    ...more,
  });

// A search whose `onChange` is called a moment after the last key.
export const SettledSearch = ({ value, onChange, ...more }) => {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  const latest = useRef(onChange);
  latest.current = onChange; // another filter may have been chosen since the last key
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(next.trim()), TYPING);
  };
  return h(Search, { value: text, onChange: type, ...more });
};
