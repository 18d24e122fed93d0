// One row of the tree. Plain elements for the cells: hundreds of rows pass by in a fast scroll.

import { Button, PageLink, h, memo } from "../lib/react.js";
import { StateBadge } from "../lib/state.js";
import { visible } from "../lib/texts.js";
import { Elapsed, between, duration } from "../lib/time.js";
import { reasonLine } from "./texts.js";
import { isBranch, isContinued } from "./tree.js";

export const ROW = 32; // px
const DEEPEST = 12; // further levels are not indented more: the key would have no room
export const CUT = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", minWidth: 0 };
const MUTED = "var(--chakra-colors-fg-muted)";

/** The columns for the grid's template: a step only where the job has several. */
export const columnsOf = (steps) => `minmax(9rem, 3fr) ${steps ? "6rem " : ""}7rem 4rem 5rem minmax(8rem, 4fr) 2.5rem`;
export const LEAST = "39rem"; // of width: what the columns need

export const HEADS = (steps) => ["Key", ...(steps ? ["Step"] : []), "State", "Attempt", "Time", "Message or reason", "Log"];

const Cell = ({ children, muted, title, ...style }) =>
  h("div", { role: "gridcell", title, style: { ...CUT, ...(muted ? { color: MUTED } : {}), ...style } }, children);

const Arrow = ({ row, toggle }) => {
  const look = { cursor: "pointer", display: "inline-block", flexShrink: 0, textAlign: "center", width: 20 };
  if (!isBranch(row)) return h("span", { style: { ...look, cursor: "default" } });
  const press = (event) => {
    event.stopPropagation();
    toggle(row);
  };
  return h("span", { "aria-hidden": true, "data-arrow": true, style: look, onClick: press }, row.open ? "▾" : "▸");
};

const indented = (row) => (Math.min(row.level, DEEPEST) - 1) * 18;

const KeyCell = ({ row, flat, toggle }) => {
  const { key, parent, children } = row.subtask;
  const same = isContinued(row.subtask);
  const below = children > 0 && !same ? h("span", { style: { color: MUTED, flexShrink: 0, marginInlineStart: 6 } }, `(${children})`) : null;
  const from = flat && parent && !same ? h("span", { style: { ...CUT, color: MUTED, flexShrink: 4, marginInlineStart: 6 } }, `in ${visible(parent)}`) : null;
  const text = h("span", { dir: "auto", style: { ...CUT, ...(same && !flat ? { color: MUTED } : {}) } }, same && !flat ? `↳ ${visible(key)}` : visible(key));
  return h(Cell, { title: key, display: "flex", alignItems: "center", paddingInlineStart: indented(row) }, h(Arrow, { row, toggle }), text, below, from);
};

const Took = ({ subtask }) => {
  if (subtask.state === "running") return h(Elapsed, { since: subtask.started });
  return subtask.started && subtask.ended ? duration(between(subtask.started, subtask.ended)) : "";
};

const messageOf = ({ error, message, fraction }) => {
  if (error) return reasonLine(error);
  const part = fraction === null || fraction === undefined ? "" : `${Math.round(100 * fraction)}% `;
  return `${part}${message ?? ""}`;
};

const SubtaskCells = ({ row, flat, steps, toggle }) => {
  const { subtask } = row;
  const message = messageOf(subtask);
  const log = subtask.ui && h(PageLink, { to: subtask.ui, tabIndex: -1, "aria-label": `Log of ${subtask.key}` }, "Log");
  return [
    h(KeyCell, { key: "key", row, flat, toggle }),
    steps && h(Cell, { key: "step", title: subtask.step }, subtask.step),
    h(Cell, { key: "state" }, h(StateBadge, { state: subtask.state, size: "sm" })),
    h(Cell, { key: "attempt", muted: subtask.attempt < 2 }, subtask.attempt || ""),
    h(Cell, { key: "time", muted: true }, h(Took, { subtask })),
    h(Cell, { key: "message", title: message.slice(0, 1000), muted: !subtask.error }, h("span", { dir: "auto" }, message.slice(0, 500))),
    h(Cell, { key: "log" }, log),
  ];
};

const EMPTY = { filter: "No subtask fits the filter", top: "No subtasks yet", children: "No further subtasks" };

const Placeholder = ({ row, flat, retry }) => {
  const style = { gridColumn: "1 / -1", display: "flex", alignItems: "center", gap: 8, paddingInlineStart: indented(row) + 20 };
  if (row.kind === "error") {
    const button = h(Button, { size: "2xs", variant: "outline", tabIndex: -1, onClick: () => retry(row) }, "Try again");
    return h(Cell, { ...style, title: row.error.message }, h("span", { style: CUT }, `Not loaded: ${row.error.message}`), button);
  }
  const text = row.kind === "more" ? "Loading …" : EMPTY[flat ? "filter" : row.list === "" ? "top" : "children"];
  return h(Cell, { ...style, muted: true }, text);
};

const looksOf = ({ index, columns, active, shown }) => ({
  alignItems: "center",
  background: shown ? "var(--chakra-colors-bg-muted)" : undefined,
  borderBottom: "1px solid var(--chakra-colors-border-subtle, var(--chakra-colors-border))",
  columnGap: 8,
  contain: "strict",
  display: "grid",
  fontSize: 13,
  gridTemplateColumns: columns,
  height: ROW,
  left: 0,
  outline: active ? "2px solid var(--chakra-colors-border-inverted, currentColor)" : undefined,
  outlineOffset: -2,
  paddingInline: 4,
  position: "absolute",
  right: 0,
  top: index * ROW,
});

const ariaOf = ({ row, index }) => ({
  "aria-level": row.level,
  "aria-rowindex": index + 2, // the header is the first one
  ...(row.kind === "subtask" ? { "aria-posinset": row.position, "aria-setsize": row.size } : {}),
  ...(isBranch(row) ? { "aria-expanded": row.open } : {}),
});

const Row = (props) => {
  const { row, id, shown, show, mark } = props;
  const press = () => {
    mark(row);
    if (row.kind === "subtask") show(row);
  };
  const own = { id, role: "row", "data-kind": row.kind, "aria-selected": row.kind === "subtask" ? shown : undefined, onClick: press };
  return h("div", { ...own, ...ariaOf(props), style: looksOf(props) }, h(row.kind === "subtask" ? SubtaskCells : Placeholder, props));
};

const SAME = ["index", "columns", "active", "shown", "flat", "steps", "id"];
const OF_ROW = ["id", "subtask", "level", "open", "kind", "error", "size", "position"];

// The rows of the model are made anew at each change; what they show is the same for most.
export const TreeRow = memo(
  Row,
  (before, now) => SAME.every((name) => before[name] === now[name]) && OF_ROW.every((name) => before.row[name] === now.row[name]),
);
