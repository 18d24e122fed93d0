// Buttons that change something: a question first, the text of a refusal, and the result for a screen reader.

import { Alert, Button, Dialog, Field, Input, Portal, Text, createContext, h } from "./react.js";
import { useContext, useEffect, useRef, useState } from "./react.js";

// Shows a text in the page's live region: see `Page` in parts.js.
export const Announce = createContext(() => {});
export const useAnnounce = () => useContext(Announce);

// Airflow's own refusals have the same word in both.
const titleOf = ({ title, message }) => (title && title !== message ? title : "The server refuses this");

const Refusal = ({ error }) =>
  h(
    Alert.Root,
    { status: "error", role: "alert", mt: 3 },
    h(Alert.Indicator),
    h(Alert.Content, { overflowWrap: "anywhere" }, h(Alert.Title, null, titleOf(error)), h(Alert.Description, null, error.message)),
  );

const Value = ({ field, value, setValue, input }) =>
  h(
    Field.Root,
    { required: Boolean(field.required), mt: 3 },
    h(Field.Label, null, field.label),
    h(Input, {
      ref: input,
      type: field.type ?? "text",
      min: field.min,
      max: field.max,
      maxLength: field.maxLength ?? 500,
      placeholder: field.placeholder,
      value,
      onChange: (event) => setValue(event.target.value),
    }),
    field.help && h(Field.HelperText, null, field.help),
  );

// A dialog that asks before a change: `run(value)` starts it. It stays open with `error`, the text of a refusal.
export const Question = ({ question, open, setOpen, run, busy, error }) => {
  const { title, text, field, action = "OK", palette = "brand", cancel = "Close" } = question;
  const [value, setValue] = useState("");
  const input = useRef(null);
  useEffect(() => {
    if (open) setValue(String(field?.initial ?? ""));
  }, [open]);
  const missing = Boolean(field?.required) && value.trim() === "";
  const submit = (event) => {
    event.preventDefault();
    if (!busy && !missing) run(value);
  };
  const buttons = [
    h(Button, { key: "close", variant: "outline", type: "button", onClick: () => setOpen(false) }, cancel),
    action && h(Button, { key: "do", type: "submit", colorPalette: palette, loading: busy, disabled: missing }, action),
  ];
  const form = h(
    "form",
    { onSubmit: submit },
    h(Dialog.Header, null, h(Dialog.Title, null, title)),
    h(
      Dialog.Body,
      null,
      text && h(Text, { overflowWrap: "anywhere" }, text),
      field && h(Value, { field, value, setValue, input }),
      error && h(Refusal, { error }),
    ),
    h(Dialog.Footer, null, buttons),
  );
  const first = field ? { initialFocusEl: () => input.current } : {};
  return h(
    Dialog.Root,
    { role: "alertdialog", open, onOpenChange: (change) => setOpen(change.open), lazyMount: true, unmountOnExit: true, ...first },
    h(Portal, null, h(Dialog.Backdrop), h(Dialog.Positioner, null, h(Dialog.Content, null, form))),
  );
};

// A button whose `onClick(value)` is asynchronous. `confirm`: { title, text, action, palette, field } asks first; `field`:
// { label, type, initial, required, help } is one value. `done`: the text for the live region, or a function of the
// result. A refusal is shown in the dialog; without `confirm` a dialog opens for it. What is done is what was asked when
// the button was pressed: the page may change behind the dialog.
export const ActionButton = ({ label, onClick, confirm, done, children, ...more }) => {
  const [asked, setAsked] = useState(null);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const announce = useAnnounce();
  const run = async (action, value) => {
    setBusy(true);
    setError(null);
    try {
      const result = await action.onClick(value);
      setOpen(false);
      announce(typeof action.done === "function" ? action.done(result) : (action.done ?? `${action.label}: done`));
    } catch (refusal) {
      setError(refusal);
      setOpen(true);
    } finally {
      setBusy(false);
    }
  };
  const press = () => {
    const action = { label, onClick, confirm, done };
    setAsked(action);
    setError(null);
    if (confirm) setOpen(true);
    else run(action);
  };
  const question = asked && (asked.confirm ?? { title: asked.label, action: null });
  const answer = (value) => run(asked, value);
  return [
    h(Button, { key: "button", size: "xs", variant: "outline", loading: busy && !open, onClick: press, "aria-label": label, ...more }, children ?? label),
    question && (asked.confirm || error) && h(Question, { key: "question", question, open, setOpen, run: answer, busy, error }),
  ];
};
