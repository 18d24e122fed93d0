// The spec as Airflow has it, as plain text, to copy.

import { useAnnounce } from "../lib/action.js";
import { Button, Text, h, memo, useRef } from "../lib/react.js";
import { Lines, Section } from "./text.js";

const select = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = globalThis.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
};

// The clipboard exists with https and on localhost only; else the text is selected, and the browser's older way is tried.
const copy = async (text, element) => {
  try {
    await navigator.clipboard.writeText(text);
    return "The spec was copied.";
  } catch {
    select(element);
    return document.execCommand("copy") ? "The spec was copied." : "The spec is selected: copy it with the keyboard.";
  }
};

const textOf = (job) => job.spec_text ?? JSON.stringify(job.spec ?? {}, null, 2);

const SpecText = ({ text }) => {
  const lines = useRef(null);
  const announce = useAnnounce();
  const press = async () => announce(await copy(text, lines.current));
  const aside = h(Button, { size: "2xs", variant: "outline", onClick: press }, "Copy spec");
  const box = { ref: lines, tabIndex: 0, role: "region", "aria-label": "Text of the spec", maxH: "28em", "data-testid": "spec" };
  return h(
    Section,
    { title: "Spec", aside },
    h(Text, { color: "fg.muted", mb: 1 }, "As Airflow has it: without secrets, and without what plan, run and report call."),
    h(Lines, box, text),
  );
};

const QuietText = memo(SpecText);

export const Spec = ({ job }) => h(QuietText, { text: textOf(job) });
