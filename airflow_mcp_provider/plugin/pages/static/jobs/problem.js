// What is wrong with a job: its spec, or its watch. The row has one line of it, a dialog the whole text.

import { Button, Code, Dialog, Portal, h, useState } from "../lib/react.js";

const problemOf = ({ error, watch }) => {
  if (error) return { title: "Error in the spec", text: error };
  if (watch?.problem) return { title: "The watch does not check", text: watch.problem };
  if (watch?.error) return { title: `The check failed ${watch.failures} times`, text: watch.error };
  return null;
};

const clipped = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", display: "block", textAlign: "start" };

export const Problem = ({ job }) => {
  const [open, setOpen] = useState(false);
  const found = problemOf(job);
  if (!found) return null;
  const { title, text } = found;
  const line = `✗ ${title}: ${text.split("\n", 1)[0]}`;
  const button = h(
    Button,
    { size: "2xs", variant: "plain", colorPalette: "red", color: "red.fg", px: 0, maxW: "100%", ...clipped, onClick: () => setOpen(true) },
    line,
  );
  const close = h(Button, { size: "sm", variant: "outline", onClick: () => setOpen(false) }, "Close");
  const dialog = h(
    Dialog.Root,
    { open, onOpenChange: (change) => setOpen(change.open), size: "lg", lazyMount: true, unmountOnExit: true },
    h(
      Portal,
      null,
      h(Dialog.Backdrop),
      h(
        Dialog.Positioner,
        null,
        h(
          Dialog.Content,
          null,
          h(Dialog.Header, null, h(Dialog.Title, null, `${job.job}: ${title}`)),
          h(Dialog.Body, null, h(Code, { display: "block", whiteSpace: "pre-wrap", overflowWrap: "anywhere", p: 2, maxH: "60vh", overflow: "auto" }, text)),
          h(Dialog.Footer, null, close),
        ),
      ),
    ),
  );
  return [h("span", { key: "line", style: { maxWidth: "100%", minWidth: 0 } }, button), h("span", { key: "dialog" }, dialog)];
};
