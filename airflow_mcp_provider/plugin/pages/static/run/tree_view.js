// The tree of subtasks: a treegrid of which only the rows in view are in the DOM.
// The pattern of the keys: https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/

import { Box, h, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "../lib/react.js";
import { revealed } from "../lib/view_range.js";
import { useRange } from "../lib/virtual.js";
import { onKey } from "./keys.js";
import { CUT, HEADS, LEAST, ROW, TreeRow, columnsOf } from "./row.js";
import { movedBy } from "./tree.js";

// What the reader looks at stays where it is when rows above it come or go. Another filter starts at the top; the tree
// is where it was when the reader comes back from another view.
const useAnchor = (frame, state, look, store) => {
  const before = useRef(state);
  useLayoutEffect(() => {
    frame.current.scrollTop = store.top;
    return () => store.look(0, -1); // nothing is in view
  }, [store]);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = state;
    if (old.filter !== state.filter) frame.current.scrollTop = 0;
    else if (old.rows !== state.rows) {
      const moved = movedBy(old.rows, state.rows, Math.floor(frame.current.scrollTop / ROW));
      if (moved) frame.current.scrollTop += moved * ROW;
    }
    look();
  }, [state]);
};

// The active row by its id: it stays active when it moves.
const useActive = (rows) => {
  const [active, setActive] = useState({ id: null, index: 0 });
  const found = useMemo(() => rows.findIndex((row) => row.id === active.id), [rows, active.id]);
  const index = found >= 0 ? found : Math.min(active.index, rows.length - 1);
  const to = (row, at) => setActive({ id: row.id, index: at });
  return [active.id === null ? -1 : index, to];
};

const Head = ({ steps, columns }) => {
  const cells = HEADS(steps).map((name) => h("div", { key: name, role: "columnheader", title: name, style: CUT }, name));
  const style = { columnGap: 8, display: "grid", fontSize: 13, fontWeight: 600, gridTemplateColumns: columns, paddingInline: 4 };
  const row = h("div", { role: "row", "aria-rowindex": 1, style }, cells);
  return h(Box, { role: "rowgroup", borderBottomWidth: 1, py: 1, css: { overflow: "hidden", scrollbarGutter: "stable" } }, row);
};

// Do what a key asks for.
const useKeys = ({ store, rows, index, to, frame, show }) => (event) => {
  if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return; // a link has its own
  const page = Math.floor(frame.current.clientHeight / ROW) - 1;
  const action = onKey(event.key, rows, Math.max(0, index), page);
  if (!action) return;
  event.preventDefault();
  const at = Object.values(action)[0];
  const row = rows[at];
  frame.current.scrollTop = revealed(at, frame.current.scrollTop, frame.current.clientHeight, ROW);
  to(row, at);
  if ("open" in action || "close" in action) store.toggle(row, "open" in action);
  if ("show" in action && row.kind === "error") store.more(row.list);
  if ("show" in action && row.kind === "subtask") show(row, { focus: true });
};

const LOOKS = {
  borderRadius: "sm",
  borderWidth: 1,
  css: { "& > *": { minWidth: LEAST } }, // in less room the tree scrolls sideways, with its header
  display: "flex",
  flex: 1,
  flexDirection: "column",
  minH: "160px",
  minW: 0,
  overflowX: "auto",
  overflowY: "hidden",
};

/** `show(row, {focus})` opens a subtask; `shown` is the id of the one that is open. `steps`: the job has several. */
export const TreeView = ({ store, steps, show, shown }) => {
  const state = useSyncExternalStore(store.subscribe, store.current);
  const { rows, flat } = state;
  const frame = useRef(null);
  const id = useId();
  const [range, look] = useRange(frame, rows.length, ROW);
  const [index, to] = useActive(rows);
  useAnchor(frame, state, look, store);
  useEffect(() => {
    store.look(range.first, range.last);
  }, [state, range]);
  const scrolled = () => {
    store.top = frame.current.scrollTop;
    look();
  };
  const columns = columnsOf(steps);
  const row = (at) => {
    const one = rows[at];
    const own = { row: one, index: at, id: `${id}-${at}`, active: at === index, shown: one.id === shown };
    const act = { show, mark: (which) => to(which, at), toggle: (which) => store.toggle(which), retry: (which) => store.more(which.list) };
    return h(TreeRow, { key: one.id, ...own, ...act, columns, flat, steps });
  };
  const visible = [];
  for (let at = range.first; at <= Math.min(range.last, rows.length - 1); at += 1) visible.push(row(at));
  const focus = (event) => {
    // A press on a row gives the focus to the part that scrolls.
    if (event.target === frame.current) event.currentTarget.focus({ preventScroll: true });
    else if (event.target === event.currentTarget && index < 0 && rows.length > 0) to(rows[0], 0);
  };
  return h(
    Box,
    {
      role: "treegrid",
      "aria-label": flat ? "Subtasks that fit the filter" : "Subtasks, each below the one that enqueued it",
      "aria-rowcount": -1, // unknown: the tree grows, and is read when it is opened
      "aria-activedescendant": index >= range.first && index <= range.last ? `${id}-${index}` : undefined,
      "aria-busy": state.loading,
      tabIndex: 0,
      onKeyDown: useKeys({ store, rows, index, to, frame, show }),
      onFocus: focus,
      "data-testid": "tree",
      ...LOOKS,
    },
    h(Head, { steps, columns }),
    h(
      Box,
      { ref: frame, role: "rowgroup", onScroll: scrolled, "data-testid": "rows", flex: 1, minH: 0, tabIndex: -1, css: { overflowAnchor: "none", overflowY: "auto", scrollbarGutter: "stable" } },
      h("div", { role: "presentation", style: { height: rows.length * ROW, position: "relative" } }, visible),
    ),
  );
};
