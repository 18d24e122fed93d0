// A JSON value of a job: its result, a payload, a conf. What it has is data: it is text here, never HTML or Markdown.

import { Box, Button, Link, Table, h, useState } from "../lib/react.js";
import { fieldOf, kindOf, linkOf, plainText, prettyJson, summaryOf } from "./values.js";

const ROWS = 100; // of a table or a list, at first and with each press of the button
const LONG = 2000; // characters of a text that is shown at once
const WRAP = { overflowWrap: "anywhere", whiteSpace: "pre-wrap" };

/** A value that is no list and no object: a link where it is an address. */
export const Plain = ({ value }) => {
  const address = linkOf(value);
  const text = plainText(value);
  if (address) {
    const safe = { href: address, target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" };
    return h(Link, { ...safe, color: "fg.info", overflowWrap: "anywhere" }, text);
  }
  return text.length > LONG ? h(Collapsed, { summary: `text of ${text.length} characters`, text }) : h("span", { dir: "auto", style: WRAP }, text);
};

// The text is in the DOM only while it is open: it may be large.
const Collapsed = ({ summary, text, value }) => {
  const [open, setOpen] = useState(false);
  const look = { fontSize: "sm", maxH: "24em", overflow: "auto", p: 2, bg: "bg.muted", borderRadius: "sm", ...WRAP };
  return h(
    "details",
    { onToggle: (event) => setOpen(event.currentTarget.open) },
    h("summary", { style: { cursor: "pointer" } }, summary),
    open && h(Box, { as: "pre", tabIndex: 0, ...look }, text ?? prettyJson(value)),
  );
};

const Json = ({ value }) => h(Collapsed, { summary: summaryOf(value), value });

const usePart = (length) => {
  const [most, setMost] = useState(ROWS);
  const left = Math.max(0, length - most);
  const press = () => setMost(most + ROWS);
  const more = left > 0 && h(Button, { size: "xs", variant: "outline", mt: 1, onClick: press }, `Show ${Math.min(left, ROWS)} more of ${left}`);
  return [most, more];
};

const cell = (value) => (value === undefined ? "" : h(Plain, { value }));

const ValueTable = ({ rows, columns, label }) => {
  const [most, more] = usePart(rows.length);
  const heads = columns.map((name) => h(Table.ColumnHeader, { key: name, scope: "col" }, name));
  const line = (row, number) =>
    h(Table.Row, { key: number }, columns.map((name) => h(Table.Cell, { key: name, verticalAlign: "top" }, cell(fieldOf(row, name)))));
  const body = h(Table.Body, null, rows.slice(0, most).map(line));
  const table = h(Table.Root, { size: "sm", "aria-label": label }, h(Table.Header, null, h(Table.Row, null, heads)), body);
  return h(Box, { overflowX: "auto" }, table, more);
};

const ValueList = ({ values }) => {
  const [most, more] = usePart(values.length);
  const items = values.slice(0, most).map((value, number) => h("li", { key: number }, h(Plain, { value })));
  return h(Box, null, h(Box, { as: "ul", ps: 5, css: { listStyle: "disc" } }, items), more);
};

const Fields = ({ value, fields }) => {
  const [most, more] = usePart(fields.length);
  const pairs = fields.slice(0, most).flatMap((name) => [
    h(Box, { as: "dt", key: `${name} name`, color: "fg.muted", overflowWrap: "anywhere" }, name),
    h(Box, { as: "dd", key: `${name} value`, minW: 0 }, h(Value, { value: value[name], label: name, nested: true })),
  ]);
  const columns = { display: "grid", gridTemplateColumns: "minmax(6em, max-content) minmax(0, 1fr)", columnGap: 4, rowGap: 1 };
  return h(Box, null, h(Box, { as: "dl", ...columns }, pairs), more);
};

/** A value. In a field of an object (`nested`) a further object is collapsed JSON. */
export const Value = ({ value, label, nested = false }) => {
  const { kind, columns, fields } = kindOf(value);
  if (kind === "plain") return h(Plain, { value });
  if (kind === "table") return h(ValueTable, { rows: value, columns, label });
  if (kind === "list") return h(ValueList, { values: value });
  return kind === "record" && !nested ? h(Fields, { value, fields }) : h(Json, { value });
};
