// The tab Subtasks: one look at the run every few seconds, and with it at what is in view of its tree.

import { at, get } from "../lib/api.js";
import { Before, ErrorBox, Page } from "../lib/parts.js";
import { usePoll } from "../lib/poll.js";
import { Button, Flex, Fragment, Tabs, Text, h, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "../lib/react.js";
import { Actions } from "./actions.js";
import { useAddress, useOpened } from "./address.js";
import { Details, WIDE } from "./details.js";
import { Filters } from "./filters.js";
import { Outcome } from "./outcome.js";
import { Overview } from "./overview.js";
import { Runners } from "./runners.js";
import { TreeStore } from "./store.js";
import { idOf } from "./tree.js";
import { TreeView } from "./tree_view.js";

const NONE = "This run does not belong to a job of airflow-mcp-provider: its DAG was not made from a job spec, or the run was deleted.";
const [QUEUED, ACTIVE] = [5000, 3000]; // ms between two looks

const useTree = (job, run, filter) => {
  const path = at`jobs/${job}/runs/${run}/subtasks`;
  const store = useMemo(() => new TreeStore((query, signal) => get(path, { query, signal }), filter), [path]);
  useEffect(() => () => store.close(), [store]);
  return store;
};

// The run and what is in view of its tree are read together: both rest while nobody looks.
const useRun = (job, run, store) => {
  const [stale, setStale] = useState(null);
  const look = (all) => store.refresh({ all }).then(() => setStale(null), setStale);
  const load = async (signal) => {
    const found = await get(at`jobs/${job}/runs/${run}`, { signal });
    await look(false);
    return found;
  };
  const poll = usePoll(load, { key: `${job}\n${run}`, every: ({ state }) => (state === "queued" ? QUEUED : ACTIVE), until: ({ done: ended }) => ended });
  const { done, started } = poll.data ?? {};
  // What has ended looks different after a retry, and when the run has ended.
  useEffect(() => {
    if (poll.data) look(true);
  }, [done, started]);
  const changed = useCallback(() => Promise.all([poll.refresh(), look(true)]), [poll.refresh]);
  return { ...poll, stale, changed };
};

const Tree = ({ run, store, steps, show, shown }) => {
  const { filter } = useSyncExternalStore(store.subscribe, store.current);
  const counts = run.progress?.steps ?? [];
  return h(
    Flex,
    { direction: "column", gap: 2, minH: 0, minW: 0, flex: 1 },
    h(Filters, { filter, change: (next) => store.setFilter(next), steps: counts }),
    h(TreeView, { store, steps, show, shown }),
  );
};

const Views = ({ run, store, view, setView, chosen, choose }) => {
  const memory = useRef(new Map());
  const show = useCallback((row, { focus = false } = {}) => choose({ key: row.subtask.key, step: row.subtask.step, focus }), [choose]);
  const showSubtask = useCallback((subtask) => show({ subtask }), [show]);
  const steps = (run.progress?.steps ?? []).length > 1;
  const fill = { display: "flex", flexDirection: "column", flex: 1, minH: 0, minW: 0, pt: 2, pb: 0 };
  const parts = [
    ["tree", "Subtasks", () => h(Tree, { run, store, steps, show, shown: chosen && idOf(chosen) })],
    ["runners", "Runners", () => h(Runners, { run, store, memory, show: showSubtask })],
    ["result", "Result", () => h(Outcome, { run })],
  ];
  return h(
    Tabs.Root,
    { value: view, onValueChange: (change) => setView(change.value), size: "sm", display: "flex", flexDirection: "column", flex: 1, minH: "240px", minW: 0 },
    h(Tabs.List, null, parts.map(([value, label]) => h(Tabs.Trigger, { key: value, value }, label))),
    // Only the part that is shown is there: the others ask for nothing.
    parts.filter(([value]) => value === view).map(([value, , made]) => h(Tabs.Content, { key: value, value, ...fill }, made())),
  );
};

const Loaded = ({ poll, store, opened }) => {
  const run = poll.data;
  const [chosen, choose] = useState(opened.chosen);
  const [view, setView] = useState(opened.view);
  const filter = useSyncExternalStore(store.subscribe, () => store.filter);
  useAddress({ filter, view, chosen });
  const close = useCallback(() => {
    choose(null);
    document.querySelector('[role="treegrid"]')?.focus({ preventScroll: true });
  }, []);
  const beside = { gap: 3, w: "100%", minH: 0, direction: "column", css: { overflowY: "auto", [WIDE]: { flexDirection: "row", overflowY: "visible" } } };
  return h(
    Fragment,
    null,
    (poll.error || poll.stale) && h(ErrorBox, { error: poll.error ?? poll.stale, onRetry: poll.changed, kept: true }),
    h(Overview, { run }),
    h(
      Flex,
      { flex: 1, minH: "320px", css: { containerType: "inline-size" } },
      h(
        Flex,
        beside,
        h(Views, { run, store, view, setView, chosen, choose }),
        chosen && h(Details, { key: idOf(chosen), run, chosen, close, changed: poll.changed }),
      ),
    ),
  );
};

export const RunTab = ({ dagId, runId }) => {
  const opened = useOpened();
  const store = useTree(dagId, runId, opened.filter);
  const poll = useRun(dagId, runId, store);
  if (!poll.data && poll.error?.status === 404) return h(Text, { p: 4, color: "fg.muted" }, NONE);
  if (!poll.data) return h(Before, { poll, label: "Loading the run" });
  const refresh = h(Button, { size: "xs", variant: "ghost", onClick: poll.changed }, "Refresh");
  const toolbar = h(Fragment, null, h(Actions, { run: poll.data, changed: poll.changed }), refresh);
  return h(Page, { heading: "Subtasks", toolbar, testId: "mcp-run" }, h(Loaded, { poll, store, opened }));
};
