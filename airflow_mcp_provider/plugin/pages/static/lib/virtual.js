// Of a long list only the rows in view are in the DOM. All rows have the same height.

import { Box, h, useCallback, useEffect, useLayoutEffect, useRef, useState } from "./react.js";
import { drawn } from "./view_range.js";

// Which rows of a scrolled element are drawn: [{ first, last }, look]. `look` is called when it was scrolled.
export const useRange = (frame, count, rowHeight) => {
  const [range, setRange] = useState({ first: 0, last: -1 });
  const look = useCallback(() => {
    const { scrollTop, clientHeight } = frame.current;
    const next = drawn(scrollTop, clientHeight, rowHeight, count);
    setRange((old) => (old.first === next.first && old.last === next.last ? old : next));
  }, [count, rowHeight]);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(look);
    sizes.observe(frame.current);
    look();
    return () => sizes.disconnect();
  }, [look]);
  return [range, look];
};

// Props: `label` (for a screen reader), `count` and `rowHeight` (px), `total` (where more rows exist than are loaded; -1:
// unknown), `header` (a row that stays on top), `renderRow(index)`, `rowKey(index)` (the identity of a row: a dialog of a
// row moves with it), `onSeen(first, end)`: which rows are drawn. The browser's keys scroll it when it has the focus.
export const VirtualTable = ({ label, count, total, rowHeight, header, renderRow, rowKey, onSeen, ...more }) => {
  const frame = useRef(null);
  const [{ first, last }, look] = useRange(frame, count, rowHeight);
  useEffect(() => onSeen(first, last + 1), [onSeen, first, last]);
  const row = (index) =>
    h(
      "div",
      {
        key: rowKey(index),
        role: "row",
        "aria-rowindex": index + 2, // the header is the first one
        style: { height: rowHeight, left: 0, position: "absolute", right: 0, top: index * rowHeight },
      },
      renderRow(index),
    );
  const rows = [];
  for (let index = first; index <= Math.min(last, count - 1); index += 1) rows.push(row(index));
  return h(
    Box,
    {
      ref: frame,
      role: "table",
      "aria-label": label,
      "aria-rowcount": total < 0 ? total : total + 1,
      tabIndex: 0,
      onScroll: look,
      flex: 1,
      minH: 0,
      overflow: "auto",
      position: "relative",
      css: { scrollPaddingTop: "3rem" }, // what gets the focus is not behind the header
      ...more,
    },
    h(Box, { position: "sticky", top: 0, zIndex: 1, bg: "bg", role: "presentation" }, header),
    h("div", { role: "presentation", style: { height: count * rowHeight, position: "relative" } }, rows),
  );
};
