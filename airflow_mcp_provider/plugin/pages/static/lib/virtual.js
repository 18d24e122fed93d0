// A list of any length, of which only the rows in sight are in the DOM.

import { Box, h, useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "./react.js";

const BESIDE = 6; // rows above and below those in sight, so that a scroll does not show gaps

// Which rows are in sight of a scrolled element.
const useSeen = (frame, count, rowHeight) => {
  const [seen, setSeen] = useState([0, 0]);
  const look = useCallback(() => {
    const { scrollTop = 0, clientHeight = 0 } = frame.current ?? {};
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - BESIDE);
    const last = Math.min(count, Math.ceil((scrollTop + clientHeight) / rowHeight) + BESIDE);
    setSeen((old) => (old[0] === first && old[1] === last ? old : [first, last]));
  }, [count, rowHeight]);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(look);
    sizes.observe(frame.current);
    look();
    return () => sizes.disconnect();
  }, [look]);
  return [seen, look];
};

const COMPOSITE = ["grid", "tree", "treegrid", "listbox"]; // the roles that may point at their active row
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

// Where a key moves the active row; null for another key.
const moved = (key, active, count, page) => {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = STEPS[key] ?? { PageDown: page, PageUp: -page }[key];
  return step === undefined ? null : Math.min(count - 1, Math.max(0, active + step));
};

// Props: `count`, `rowHeight` (px), `renderRow(index, active)`, `label` (of the list, for a screen reader); `role` and
// `rowRole` (list and listitem, table and row, tree and treeitem), `rowProps(index)` (further attributes of a row, for
// example aria-level), `rowKey(index)` (the identity of a row: without it a dialog of a row stays where it is when rows
// come in above it), `total` (where more rows exist than are loaded; -1: unknown), `header` (a row that stays on top),
// `onKey(event, index)` for keys on the active row, `onSeen(first, last)` when other rows come into sight.
export const VirtualRows = ({
  count,
  rowHeight,
  renderRow,
  label,
  role = "list",
  rowRole = "listitem",
  rowProps = () => ({}),
  rowKey = (index) => index,
  total,
  header,
  onKey,
  onSeen,
  ...more
}) => {
  const frame = useRef(null);
  const top = useRef(null);
  const id = useId();
  const [active, setActive] = useState(-1);
  const [[first, last], look] = useSeen(frame, count, rowHeight);
  useEffect(() => onSeen?.(first, last), [first, last]);
  useEffect(() => setActive((old) => Math.min(old, count - 1)), [count]);

  const show = (index) => {
    const { scrollTop, clientHeight } = frame.current;
    const [start, room] = [index * rowHeight, clientHeight - (top.current?.offsetHeight ?? 0)];
    if (start < scrollTop) frame.current.scrollTop = start;
    else if (start + rowHeight > scrollTop + room) frame.current.scrollTop = start + rowHeight - room;
    setActive(index);
  };
  const press = (event) => {
    if (event.target !== frame.current) return; // a button in a row has keys of its own
    const page = Math.max(1, Math.floor(frame.current.clientHeight / rowHeight) - 1);
    const next = count ? moved(event.key, active, count, page) : null;
    if (next !== null) {
      event.preventDefault();
      show(next);
    } else if (active >= 0) onKey?.(event, active);
  };

  const pointed = COMPOSITE.includes(role);
  const all = total ?? count;
  const above = header ? 1 : 0; // the header is a row, too
  const counted = rowRole === "row" ? { "aria-rowcount": all < 0 ? all : all + above } : {};
  const place = (index) =>
    rowRole === "row" ? { "aria-rowindex": index + 1 + above } : { "aria-setsize": all, "aria-posinset": index + 1 };
  const row = (index) =>
    h(
      "div",
      {
        key: rowKey(index),
        id: `${id}-${index}`,
        role: rowRole,
        "data-active": index === active || undefined,
        ...place(index),
        ...rowProps(index),
        style: { height: rowHeight, left: 0, position: "absolute", right: 0, top: index * rowHeight },
        onMouseDown: () => setActive(index),
      },
      renderRow(index, index === active),
    );
  const rows = [];
  for (let index = first; index < Math.min(last, count); index += 1) rows.push(row(index));
  const looks = { overflowY: "auto", position: "relative", minH: 0, flex: 1, css: { "& [data-active]": { outline: "1px solid var(--chakra-colors-border-emphasized)", outlineOffset: "-1px" } } };
  return h(
    Box,
    {
      ref: frame,
      role,
      "aria-label": label,
      tabIndex: 0,
      "aria-activedescendant": pointed && active >= first && active < last ? `${id}-${active}` : undefined,
      onScroll: look,
      onKeyDown: press,
      ...counted,
      ...looks,
      ...more,
    },
    header && h(Box, { ref: top, position: "sticky", top: 0, zIndex: 1, bg: "bg", role: "presentation" }, header),
    h("div", { role: "presentation", style: { height: count * rowHeight, position: "relative" } }, rows),
  );
};
