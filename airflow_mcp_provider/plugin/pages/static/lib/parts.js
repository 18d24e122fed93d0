// What all pages are made of: the frame, and what is shown while there is nothing, or an error.

import { Announce, NOT_ALLOWED } from "./action.js";
import { Alert, Box, Button, EmptyState, Flex, HStack, Heading, Spinner, Text, VStack, h } from "./react.js";
import { useCallback, useEffect, useState } from "./react.js";

const SHOWN = 8000; // how long the result of an action is on the page

const Region = ({ text }) =>
  h(Text, { role: "status", "aria-live": "polite", color: "fg.muted", fontSize: "sm", flex: "1 1 20ch", m: 0, textAlign: "end" }, text);

// A page: heading, `toolbar`, and between them the live region for the results of actions: no line of its own, it is
// empty most of the time.
export const Page = ({ heading, toolbar, children, testId }) => {
  const [news, setNews] = useState({ text: "" });
  const announce = useCallback((text) => setNews({ text }), []);
  useEffect(() => {
    if (!news.text) return undefined;
    const timer = setTimeout(() => setNews({ text: "" }), SHOWN);
    return () => clearTimeout(timer);
  }, [news]);
  const top = h(
    Flex,
    { justify: "space-between", align: "center", wrap: "wrap", columnGap: 4, rowGap: 2, minH: "2.5rem" },
    h(Heading, { as: "h1", size: "lg", overflowWrap: "anywhere", tabIndex: -1 }, heading),
    h(Region, news),
    toolbar && h(HStack, { gap: 2, wrap: "wrap" }, toolbar),
  );
  return h(
    Announce.Provider,
    { value: announce },
    h(Box, { as: "section", p: 2, h: "100%", minH: 0, display: "flex", flexDirection: "column", gap: 2, "data-testid": testId }, top, children),
  );
};

const TITLES = {
  0: "No answer",
  401: "You are not logged in any more",
  403: "You are not allowed to see this",
  404: "Not found",
};
const HELP = {
  0: "The page asks again by itself.",
  401: "Load the page again to log in.",
  403: NOT_ALLOWED,
};

// An error of a request, with what the server has answered. `kept`: the page still shows what it had before.
export const ErrorBox = ({ error, onRetry, kept = false }) =>
  h(
    Alert.Root,
    { status: kept ? "warning" : "error", role: "alert", size: kept ? "sm" : "md" },
    h(Alert.Indicator),
    h(
      Alert.Content,
      { overflowWrap: "anywhere" },
      h(Alert.Title, null, kept ? "What follows may be out of date" : (TITLES[error.status] ?? error.title) || "Error"),
      h(Alert.Description, null, [error.message, HELP[error.status]].filter(Boolean).join(". ")),
    ),
    onRetry && h(Button, { size: "xs", variant: "outline", onClick: onRetry }, "Try again"),
  );

// A title, and a sentence about what would be here.
export const Empty = ({ title, children }) =>
  h(
    EmptyState.Root,
    { size: "sm" },
    h(EmptyState.Content, null, h(VStack, { textAlign: "center" }, h(EmptyState.Title, null, title), children && h(EmptyState.Description, null, children))),
  );

export const Loading = ({ label = "Loading" }) =>
  h(HStack, { role: "status", p: 4, color: "fg.muted" }, h(Spinner, { size: "sm" }), h(Text, null, `${label} …`));

const NotAJob = () =>
  h(Text, { p: 4, color: "fg.muted" }, "This DAG is not a job of airflow-mcp-provider: it was not made from a job spec.");

// What the tab of a DAG or a run shows before its poll has data. 404: the DAG is not a job; the poll has ended after its
// one request.
export const Before = ({ poll, label }) => {
  if (!poll.error) return h(Loading, { label });
  return poll.error.status === 404 ? h(NotAJob) : h(Box, { p: 4 }, h(ErrorBox, { error: poll.error, onRetry: poll.refresh }));
};
