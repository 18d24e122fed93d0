// Changes that a person asks for: a question first, the text of a refusal, and the result for a screen reader.

import { Alert, Button, Dialog, Field, Fragment, Input, Portal, Text, createContext, h } from "./react.js";
import { useCallback, useContext, useRef, useState } from "./react.js";

// Shows a text in the page's live region: see `Page` in parts.js.
export const Announce = createContext(() => {});
export const useAnnounce = () => useContext(Announce);

export const NOT_ALLOWED = "Ask an administrator of this Airflow for the permission.";

// Airflow's own refusals have the same word in both.
const titleOf = ({ status, title, message }) => {
  if (status === 403) return "You are not allowed to do this";
  return title && title !== message ? title : "The server refuses this";
};

const textOf = ({ status, message }) => (status === 403 ? `${message}. ${NOT_ALLOWED}` : message);

const Refusal = ({ error }) =>
  h(
    Alert.Root,
    { status: "error", role: "alert", mt: 3 },
    h(Alert.Indicator),
    h(Alert.Content, { overflowWrap: "anywhere" }, h(Alert.Title, null, titleOf(error)), h(Alert.Description, null, textOf(error))),
  );

const Value = ({ field: { label, help, required, ...input }, value, setValue, first }) =>
  h(
    Field.Root,
    { required: Boolean(required), mt: 3 },
    h(Field.Label, null, label),
    h(Input, { maxLength: 500, ...input, ref: first, value, onChange: (event) => setValue(event.target.value) }),
    help && h(Field.HelperText, null, help),
  );

// The dialog of a change. It stays open with `error`, the text of a refusal.
const Question = ({ question, open, close, send, busy, error }) => {
  const { title, text, fields = [], action, palette = "brand", keep = "Close" } = question;
  const [values, setValues] = useState(() => Object.fromEntries(fields.map(({ name, initial = "" }) => [name, String(initial)])));
  const first = useRef(null);
  const missing = fields.some(({ name, required }) => required && values[name].trim() === "");
  const submit = (event) => {
    event.preventDefault();
    if (!busy && !missing) send(values);
  };
  const setValue = (name) => (value) => setValues((old) => ({ ...old, [name]: value }));
  const inputs = fields.map(({ initial: _, ...field }, index) =>
    h(Value, { key: field.name, field, value: values[field.name], setValue: setValue(field.name), first: index === 0 ? first : undefined }),
  );
  const form = h(
    "form",
    { onSubmit: submit },
    h(Dialog.Header, null, h(Dialog.Title, { overflowWrap: "anywhere" }, title)),
    h(Dialog.Body, null, text && h(Text, { overflowWrap: "anywhere" }, text), inputs, error && h(Refusal, { error })),
    h(
      Dialog.Footer,
      null,
      h(Button, { variant: "outline", type: "button", onClick: close }, keep),
      action && h(Button, { type: "submit", colorPalette: palette, loading: busy, disabled: missing }, action),
    ),
  );
  const focus = fields.length ? { initialFocusEl: () => first.current } : {};
  return h(
    Dialog.Root,
    { role: "alertdialog", open, onOpenChange: close, lazyMount: true, unmountOnExit: true, ...focus },
    h(Portal, null, h(Dialog.Backdrop), h(Dialog.Positioner, null, h(Dialog.Content, null, form))),
  );
};

// What opened the dialog may be gone, or disabled, when it closes: then the heading of its part of the page gets the focus.
const LATER = 300; // ms: after the dialog has given the focus back
const headingOf = (element) => element?.closest("section")?.querySelector("h1, h2");
const settle = ({ heading }) =>
  setTimeout(() => {
    if (document.activeElement === document.body) heading?.focus();
  }, LATER);

const IDLE = { asked: null, open: false, busy: false, error: null };

// Return { ask, busy, dialog }. `ask(change)` opens the dialog of a change:
//
//   question: { title, text, fields, action, palette, keep }; without one the change is done at once, and a dialog opens
//     only for a refusal. Each of `fields` is { name, label, type, initial, required, help, … of an input }
//   send(values): does it. The values of the fields are texts
//   done(answer): what is said about the result
//
// `refresh` is called after each answer, a refusal too. The dialog belongs to what calls this, not to the row of a run,
// which may be gone (the run has started) before the refusal was read.
export const useChange = (refresh) => {
  const [{ asked, open, busy, error }, setState] = useState(IDLE);
  const latest = useRef(null);
  const announce = useAnnounce();
  // An answer that comes after the next question is not the answer to that one.
  const set = (one, news) => one === latest.current && setState((old) => ({ ...old, ...news }));
  const send = async (one, values) => {
    set(one, { busy: true, error: null });
    try {
      const answer = await one.change.send(values);
      set(one, { open: false });
      announce(one.change.done(answer));
    } catch (refusal) {
      set(one, { busy: false, error: refusal, open: true }); // a person may have closed it meanwhile
    }
    await refresh();
    set(one, { busy: false });
    settle(one);
  };
  const ask = useCallback(
    (change) => {
      const one = { change, number: (latest.current?.number ?? 0) + 1, heading: headingOf(document.activeElement) };
      latest.current = one;
      setState({ ...IDLE, asked: one, open: Boolean(change.question) });
      if (!change.question) send(one);
    },
    [refresh, announce],
  );
  const close = () => {
    set(asked, { open: false });
    settle(asked);
  };
  const question = asked?.change.question ?? { title: "Not done" };
  const shown = { question, open, close, busy, error, send: (values) => send(asked, values) };
  return { ask, busy: busy && !open, dialog: asked && (asked.change.question || error) && h(Question, { key: asked.number, ...shown }) };
};

// A button that asks for a change. What is done is what was asked when it was pressed: the page may change behind the dialog.
export const ActionButton = ({ label, change, refresh, children, ...more }) => {
  const { ask, busy, dialog } = useChange(refresh);
  const looks = { size: "xs", variant: "outline", "aria-label": label, ...more };
  return [h(Button, { key: "button", loading: busy, onClick: () => ask(change), ...looks }, children ?? label), h(Fragment, { key: "dialog" }, dialog)];
};
