// The rows of the tree of subtasks: which are visible, and in which order. No React, no requests.
//
// A list has the roots, the children of one subtask, or what a filter has found. It is read page by page. `lists` maps
// the id of a list to it: "" for the top, else the id of the parent. `open` has the ids of the open subtasks.

export const TOP = "";

/** The id of a subtask: its key is unique in a step. */
export const idOf = (subtask) => `${subtask.step}\n${subtask.key}`;

/** An empty list; `parent` is a subtask or null. */
export const newList = (id, parent) => ({ id, parent, pages: [], loading: false, error: null });

const FINAL = new Set(["succeeded", "failed", "skipped"]);

/** Whether all subtasks of a page have ended. */
export const isSettled = (page) => page.rows.every((one) => FINAL.has(one.state));

/** The cursor of the next page of a list; null: of the first; undefined: there is no further page. */
export const nextCursor = (list) => {
  if (list.pages.length === 0) return null;
  return list.pages.at(-1).next ?? undefined;
};

/** The subtasks of a list, each once: a page that was read again may repeat some of the page after it. */
const subtasksOf = (list) => {
  const found = new Map();
  list.pages.forEach((page, number) => {
    for (const subtask of page.rows) {
      const id = idOf(subtask);
      if (!found.has(id)) found.set(id, { id, subtask, page: number });
    }
  });
  return [...found.values()];
};

/**
 * The visible rows, from top to bottom.
 *
 * A row is a subtask, or a place for what is not there: `kind` is "subtask", "more" (a page that was not read),
 * "error" or "empty".
 */
export const visibleRows = (lists, open) => {
  const rows = [];
  addList(rows, lists, open, TOP, 1, []);
  return rows;
};

const addList = (rows, lists, open, id, level, above) => {
  const list = lists.get(id);
  if (!list) return rows.push(placeholder("more", id, level));
  const found = subtasksOf(list);
  const complete = nextCursor(list) === undefined;
  found.forEach((one, position) => {
    const opened = open.has(one.id) && !above.includes(one.id);
    const size = complete ? found.length : -1;
    rows.push({ ...one, kind: "subtask", list: id, level, position: position + 1, size, open: opened });
    if (opened) addList(rows, lists, open, one.id, level + 1, [...above, one.id]);
  });
  if (list.error) rows.push({ ...placeholder("error", id, level), error: list.error });
  else if (!complete) rows.push(placeholder("more", id, level));
  else if (found.length === 0) rows.push(placeholder("empty", id, level));
  return rows;
};

const placeholder = (kind, list, level) => ({ kind, id: `${kind}\n\n${list}`, list, level });

/** Whether a subtask is the same one in a later step: there its own key is its parent. */
export const isContinued = (subtask) => subtask.parent === subtask.key;

/** Whether a row can be opened. What a subtask enqueued in a later step is below its first step. */
export const isBranch = (row) => row.kind === "subtask" && row.subtask.children > 0 && !isContinued(row.subtask);

/** The index of a row's parent; -1 if it has none. */
export const parentIndex = (rows, index) => {
  const level = rows[index]?.level ?? 1;
  for (let at = index - 1; at >= 0; at -= 1) if (rows[at].level < level) return at;
  return -1;
};

/**
 * How many rows the rows from `first` on have moved down since `before`.
 *
 * The reader looks at them: the view scrolls by as many. Where the first one is gone, the next one that is left counts.
 */
export const movedBy = (before, after, first) => {
  const now = new Map(after.map((row, index) => [row.id, index]));
  for (let index = first; index < before.length; index += 1) {
    const found = now.get(before[index].id);
    if (found !== undefined && before[index].kind === "subtask") return found - index;
  }
  return 0;
};

/**
 * Put pages that were read again in the place of those from `start` on.
 *
 * The pages after them are kept where they still begin at the end of the new ones.
 */
export const replacePages = (pages, start, fresh) => {
  const following = pages.slice(start + fresh.length);
  const next = fresh.at(-1).next;
  const fits = following.length > 0 && following[0].cursor === next;
  return [...pages.slice(0, start), ...fresh, ...(fits ? following : [])];
};

/** The pages with rows from `first` to `last`, as `{list, from, to}` for each list. */
export const pagesIn = (rows, first, last) => {
  const found = new Map();
  for (const row of rows.slice(Math.max(0, first), last + 1)) {
    if (row.kind === "subtask") widen(found, row.list, row.page);
    if (row.kind === "empty") widen(found, row.list, 0);
  }
  return [...found.values()];
};

const widen = (found, list, page) => {
  const now = found.get(list) ?? { list, from: page, to: page };
  found.set(list, { list, from: Math.min(now.from, page), to: Math.max(now.to, page) });
};
