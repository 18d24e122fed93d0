// One subtask: why it failed, its attempts with their logs, its payload and its result.

import { at, get } from "../lib/api.js";
import { ErrorBox, Loading } from "../lib/parts.js";
import { usePoll } from "../lib/poll.js";
import { Box, Button, Flex, HStack, Heading, PageLink, Span, Table, Text, h, useEffect, useRef } from "../lib/react.js";
import { StateBadge } from "../lib/state.js";
import { visible } from "../lib/texts.js";
import { Elapsed, Time, between, duration } from "../lib/time.js";
import { RetryOne } from "./actions.js";
import { Value } from "./value_view.js";

/** The page is wide enough for the tree and a subtask side by side. */
export const WIDE = "@container (min-width: 61rem)";
const FINAL = ["succeeded", "failed", "skipped"];

const Part = ({ title, children }) => h(Box, { as: "section", mt: 3 }, h(Heading, { as: "h3", size: "sm", mb: 1 }, title), children);

const ErrorText = ({ why }) => {
  if (!why) return null;
  const text = h(Box, { as: "pre", tabIndex: 0, fontSize: "sm", maxH: "16em", overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere", dir: "auto" }, why.text);
  return h(Box, null, h(Span, { fontWeight: "medium" }, why.code), text);
};

const logOf = (subtask, number) => `${subtask.ui}?try_number=${number}`;

const AttemptRow = ({ subtask, attempt }) => {
  const { number, started, ended, error } = attempt;
  const took = ended ? duration(between(started, ended)) : h(Elapsed, { since: started });
  const log = subtask.ui && h(PageLink, { to: logOf(subtask, number), "aria-label": `Log of attempt ${number}` }, "Log");
  return h(
    Table.Row,
    { verticalAlign: "top" },
    h(Table.Cell, null, number, " ", log), // beside the tree there is little room: the log comes first
    h(Table.Cell, null, h(Time, { value: started })),
    h(Table.Cell, { whiteSpace: "nowrap" }, started ? took : "–"),
    h(Table.Cell, { minW: "9em" }, h(ErrorText, { why: error })),
  );
};

const Attempts = ({ subtask }) => {
  if (subtask.attempts.length === 0) return h(Text, { color: "fg.muted" }, subtask.started ? "The attempts are not known." : "The subtask has not started.");
  const heads = ["Attempt", "Started", "Time", "Reason"].map((name) => h(Table.ColumnHeader, { key: name, scope: "col" }, name));
  const rows = subtask.attempts.map((attempt) => h(AttemptRow, { key: attempt.number, subtask, attempt }));
  const table = h(Table.Root, { size: "sm", "aria-label": "Attempts" }, h(Table.Header, null, h(Table.Row, null, heads)), h(Table.Body, null, rows));
  return h(Box, { overflowX: "auto" }, table);
};

const Facts = ({ subtask }) =>
  h(
    Flex,
    { gap: 3, wrap: "wrap", align: "center", fontSize: "sm" },
    h(StateBadge, { state: subtask.state }),
    h(Span, null, `step ${subtask.step}`),
    h(Span, null, `depth ${subtask.depth}`),
    subtask.parent && subtask.parent !== subtask.key && h(Span, { overflowWrap: "anywhere" }, "enqueued by ", h("bdi", null, visible(subtask.parent))),
    subtask.ui && h(PageLink, { to: subtask.ui }, "Log in Airflow"),
  );

const Content = ({ run, subtask, changed }) => {
  const retries = run.done && ["failed", "skipped"].includes(subtask.state);
  return h(
    Box,
    null,
    h(Facts, { subtask }),
    subtask.message && h(Text, { color: "fg.muted", dir: "auto", overflowWrap: "anywhere" }, subtask.message),
    subtask.error && h(Part, { title: subtask.state === "waiting" ? "Why the last attempt failed" : "Why it failed" }, h(ErrorText, { why: subtask.error })),
    retries && h(Box, { mt: 2 }, h(RetryOne, { run, subtask, changed })),
    h(Part, { title: "Attempts" }, h(Attempts, { subtask })),
    h(Part, { title: "Payload" }, h(Value, { value: subtask.payload, label: "Payload" })),
    subtask.state === "succeeded" && h(Part, { title: "Result" }, h(Value, { value: subtask.result, label: "Result" })),
  );
};

// Below the tree, and where there is room beside it.
const LOOKS = {
  borderRadius: "sm",
  borderWidth: 1,
  css: { [WIDE]: { maxHeight: "100%", width: "36%" } },
  flexShrink: 0,
  maxH: "60%",
  minH: "160px",
  minW: 0,
  overflow: "auto",
  p: 3,
};

/** The panel of a subtask; `chosen` has its key and its step, `focus`: it was opened by a key. */
export const Details = ({ run, chosen, close, changed }) => {
  const heading = useRef(null);
  // The key is in the query: a browser takes ".." out of a path, and some proxies refuse "%2F" there.
  const path = at`jobs/${run.job}/runs/${run.run}/subtasks/-`;
  const load = (signal) => get(path, { signal, query: { key: chosen.key, step: chosen.step } });
  const until = (one) => run.done || FINAL.includes(one.state);
  const poll = usePoll(load, { key: JSON.stringify([path, chosen.key, chosen.step, run.done, run.started]), every: 3000, until, keep: true });
  const subtask = poll.data?.key === chosen.key && poll.data.step === chosen.step ? poll.data : null;
  useEffect(() => {
    heading.current.closest("section").scrollIntoView({ block: "nearest" }); // it may be below the tree
    if (chosen.focus) heading.current.focus();
  }, [chosen]);
  const press = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  };
  const title = h(Heading, { ref: heading, as: "h2", size: "md", tabIndex: -1, overflowWrap: "anywhere", flex: 1 }, h("bdi", null, visible(chosen.key)));
  const top = h(HStack, { align: "start" }, title, h(Button, { size: "xs", variant: "ghost", onClick: close, "aria-label": "Close the subtask" }, "✕"));
  const error = poll.error && h(ErrorBox, { error: poll.error, onRetry: poll.refresh, kept: Boolean(subtask) });
  const body = subtask ? h(Content, { run, subtask, changed }) : !poll.error && h(Loading, { label: "Loading the subtask" });
  return h(Box, { as: "section", "aria-label": `Subtask ${chosen.key}`, onKeyDown: press, "data-testid": "details", ...LOOKS }, top, error, body);
};
