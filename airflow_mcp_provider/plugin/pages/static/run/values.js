// How a JSON value is shown. No React: the parts of the page decide how it looks, this decides what it is.

import { count } from "../lib/texts.js";

const MOST_COLUMNS = 12;

// A number with more digits than this page can calculate with is kept as it was written: see api.js.
const isPlain = (value) => value === null || typeof value !== "object" || Boolean(JSON.isRawJSON?.(value));
const isRecord = (value) => !isPlain(value) && !Array.isArray(value);
const isFlat = (value) => isRecord(value) && Object.keys(value).length > 0 && Object.values(value).every(isPlain);

/**
 * What a value is: "plain", "table" (a list of flat objects, with `columns`), "record" (an object, with `fields`), "list"
 * of plain values, or "json" for everything else.
 */
export const kindOf = (value) => {
  if (isPlain(value)) return { kind: "plain" };
  if (isRecord(value)) return Object.keys(value).length === 0 ? { kind: "json" } : { kind: "record", fields: Object.keys(value) };
  if (value.length > 0 && value.every(isFlat)) return table(value);
  return value.length > 0 && value.every(isPlain) ? { kind: "list" } : { kind: "json" };
};

const table = (rows) => {
  const columns = new Set();
  for (const row of rows) {
    for (const name of Object.keys(row)) columns.add(name);
    if (columns.size > MOST_COLUMNS) return { kind: "json" };
  }
  return { kind: "table", columns: [...columns] };
};

/** A field of an object; undefined where it has none. A name may be one that each object inherits: "constructor". */
export const fieldOf = (record, name) => (Object.hasOwn(record, name) ? record[name] : undefined);

/** A plain value as text. */
export const plainText = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? "");

/**
 * The address that a text is, if it is one of http or https; else null.
 *
 * A text with a user name in it, or with characters that an address does not have, stays text: it may show another host.
 */
export const linkOf = (value) => {
  if (typeof value !== "string" || value.length > 2000 || !/^https?:\/\/[\x21-\x7e]+$/i.test(value)) return null;
  if (/[\\"<>^`{|}]/.test(value)) return null;
  try {
    const url = new URL(value);
    return url.username || url.password || !/^https?:$/.test(url.protocol) ? null : url.href;
  } catch {
    return null;
  }
};

/** A collapsed value in short, for example `{3 fields}`. */
export const summaryOf = (value) => {
  if (Array.isArray(value)) return `[${count(value.length, "entry", "entries")}]`;
  return isPlain(value) ? plainText(value) : `{${count(Object.keys(value).length, "field")}}`;
};

const written = (value) => {
  try {
    return JSON.stringify(value, null, 2) ?? "";
  } catch {
    return "This value has more levels than this browser can show."; // they are not bounded in each answer
  }
};

/** A value as JSON of several lines, cut after `most` characters. */
export const prettyJson = (value, most = 50_000) => {
  const text = written(value);
  return text.length <= most ? text : `${text.slice(0, most)}\n… ${text.length - most} more characters`;
};
