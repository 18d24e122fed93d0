// The params of the job as a table.

import { Box, Code, Input, Table, Text, h, memo, useMemo, useState } from "../lib/react.js";
import { matching, rowsOf } from "./schema.js";
import { Section, Words } from "./text.js";

const HEADS = ["Name", "Type", "Default", "Description", "Limits"];
const MANY = 15; // from here on there is a search

const Default = ({ row }) => {
  if (row.fallback === null) return row.required ? "required" : "–";
  return h(Code, { whiteSpace: "normal", overflowWrap: "anywhere" }, h(Words, { text: row.fallback, most: 120 }));
};

const Row = ({ row }) => {
  const cells = [
    h(Code, { overflowWrap: "anywhere", whiteSpace: "normal" }, h("bdi", null, row.name)),
    h(Words, { text: row.type, most: 120 }),
    h(Default, { row }),
    [row.title, row.description].filter(Boolean).map((text, index) => h(Box, { key: index }, h(Words, { text, most: 200 }))),
    row.limits.map((text, index) => h(Box, { key: index }, h(Words, { text, most: 200 }))),
  ];
  return h(Table.Row, null, cells.map((cell, index) => h(Table.Cell, { key: HEADS[index], verticalAlign: "top" }, cell)));
};

const Rows = ({ rows }) => {
  const heads = HEADS.map((text) => h(Table.ColumnHeader, { key: text, scope: "col" }, text));
  const frame = { overflow: "auto", maxH: "28em", tabIndex: 0, role: "region", "aria-label": "Params" };
  const body = h(Table.Body, null, rows.map((row) => h(Row, { key: row.name, row })));
  const table = { size: "sm", stickyHeader: true, "data-testid": "params" };
  return h(Box, frame, h(Table.Root, table, h(Table.Header, null, h(Table.Row, null, heads)), body));
};

const Search = ({ text, setText }) =>
  h(Input, {
    size: "xs",
    maxW: "16em",
    type: "search",
    placeholder: "Search params",
    "aria-label": "Search params",
    value: text,
    onChange: (event) => setText(event.target.value),
  });

const ParamsTable = ({ params }) => {
  const [text, setText] = useState("");
  const rows = useMemo(() => rowsOf(params), [params]);
  const shown = matching(rows, text);
  const aside = rows.length >= MANY && h(Search, { text, setText });
  const found = text && h(Text, { role: "status", color: "fg.muted", m: 0 }, `${shown.length} of ${rows.length} params`);
  if (!rows.length) return h(Section, { title: "Params" }, h(Text, { color: "fg.muted" }, "The job has no params."));
  return h(Section, { title: "Params", aside }, found, h(Rows, { rows: shown }));
};

// A poll makes new objects of the same values.
export const Params = memo(ParamsTable, (old, now) => JSON.stringify(old.params) === JSON.stringify(now.params));
