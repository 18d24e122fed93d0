// What a key does in the tree: the pattern "treegrid" of the WAI-ARIA Authoring Practices, with focus on rows.
// https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/

import { isBranch, parentIndex } from "./tree.js";

const STEPS = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: (page) => page, PageUp: (page) => -page };

/**
 * What to do: `{to: index}`, `{open: index}`, `{close: index}`, `{show: index}` or null, where the key is not for the tree.
 *
 * `page` is the number of rows that fit into the view.
 */
export const onKey = (key, rows, index, page) => {
  if (rows.length === 0) return null;
  if (key in STEPS) return { to: inside(rows, index + STEPS[key](Math.max(1, page))) };
  if (key === "Home") return { to: 0 };
  if (key === "End") return { to: rows.length - 1 };
  if (key === "ArrowRight") return right(rows, index);
  if (key === "ArrowLeft") return left(rows, index);
  if (key === "Enter" || key === " ") return { show: index };
  return null;
};

const inside = (rows, index) => Math.max(0, Math.min(rows.length - 1, index));

const right = (rows, index) => {
  const row = rows[index];
  if (!row || !isBranch(row)) return null;
  return row.open ? { to: inside(rows, index + 1) } : { open: index };
};

const left = (rows, index) => {
  const row = rows[index];
  if (row?.open) return { close: index };
  const parent = parentIndex(rows, index);
  return parent < 0 ? null : { to: parent };
};
