// What was read of the tree of subtasks, and what is read next. No React: `subscribe` and `current` fit
// useSyncExternalStore. `fetchPage(query, signal)` asks the server.

import { TOP, isSettled, newList, nextCursor, pagesIn, replacePages, visibleRows } from "./tree.js";

export const PAGE = 100;
/** Lists that one look at the run reads again: the view may have many short ones. */
const LISTS_AT_ONCE = 4;
export const NO_FILTER = Object.freeze({ state: "", step: "", text: "" });

/** Whether matches are shown as a list: they may be anywhere in the tree. */
export const isFlat = (filter) => Boolean(filter.state || filter.step || filter.text);

export class TreeStore {
  constructor(fetchPage, filter = NO_FILTER, now = Date.now) {
    Object.assign(this, { fetchPage, now, listeners: new Set(), view: [0, -1], manySteps: false });
    this.reset(filter);
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  current = () => this.state;

  /** Show what fits a filter, from the top; without one the tree, with the subtasks open that were open before. */
  setFilter(filter) {
    const same = Object.keys(NO_FILTER).every((name) => filter[name] === this.filter[name]);
    if (!same) this.reset({ ...NO_FILTER, ...filter });
  }

  /** Nothing is read before the view asks for it: see `look`. */
  reset(filter) {
    this.aborter?.abort();
    this.aborter = new AbortController();
    const open = isFlat(filter) ? new Set() : (this.kept ?? new Set());
    Object.assign(this, { filter, open, lists: new Map([[TOP, newList(TOP, null)]]) });
    if (!isFlat(filter)) this.kept = open;
    Object.assign(this, { view: [0, -1], top: 0 }); // `top`: the scroll position of the view
    this.changed();
  }

  /** Stop all requests. */
  close() {
    this.aborter.abort();
  }

  /** Open or close the subtask of a row. */
  toggle(row, opened = !this.open.has(row.id)) {
    if (opened) this.open.add(row.id);
    else this.open.delete(row.id);
    if (opened && !this.lists.has(row.id)) this.lists.set(row.id, newList(row.id, row.subtask));
    this.changed();
    return opened && this.lists.get(row.id).pages.length === 0 ? this.more(row.id) : Promise.resolve();
  }

  /** The rows from `first` to `last` are in view: read the pages that are missing there. */
  look(first, last) {
    this.view = [first, last];
    const missing = this.state.rows.slice(Math.max(0, first), last + 1).filter((row) => row.kind === "more");
    return Promise.all(missing.map((row) => this.more(row.list)));
  }

  /** Read the next page of a list, also after an error. */
  async more(id) {
    const list = this.lists.get(id) ?? this.restored(id);
    if (!list || list.loading) return;
    const cursor = nextCursor(list);
    if (cursor === undefined) return;
    const { error } = await this.read(list, async (signal) => [...list.pages, await this.page(list, cursor, signal)]);
    // The row of the error is in the place of the one that the view would ask for again at once.
    if (error) this.put({ ...list, error });
  }

  /** A list of a subtask that is open, and was not read since the filter changed. */
  restored(id) {
    const row = this.state.rows.find((one) => one.id === id);
    if (!row) return null;
    this.lists.set(id, newList(id, row.subtask));
    return this.lists.get(id);
  }

  /** Read again what is in view and may have changed; `all`: also what has ended. */
  async refresh({ all = false } = {}) {
    const ranges = pagesIn(this.state.rows, ...this.view).filter((range) => all || this.mayChange(range));
    const oldest = ranges.sort((one, other) => this.age(one) - this.age(other)).slice(0, LISTS_AT_ONCE);
    await Promise.all([...oldest.map((range) => this.again(range)), ...this.failed().map((id) => this.more(id))]);
  }

  /** Lists in view with a page that could not be read, for example while the API server was started again. */
  failed() {
    const rows = this.state.rows.slice(Math.max(0, this.view[0]), this.view[1] + 1);
    return rows.filter((row) => row.kind === "error" && !row.error.final).map((row) => row.list);
  }

  mayChange({ list: id, from, to }) {
    const list = this.lists.get(id);
    const pages = list.pages.slice(from, to + 1);
    return this.manySteps || pages.some((page) => page.next === null || !isSettled(page));
  }

  age({ list: id, from }) {
    return this.lists.get(id).pages[from]?.at ?? 0;
  }

  async again({ list: id, from, to }) {
    const list = this.lists.get(id);
    if (list.loading || list.pages.length === 0) return;
    const { error } = await this.read(list, async (signal) => {
      const fresh = [];
      let cursor = list.pages[from].cursor;
      while (cursor !== undefined && fresh.length <= to - from) {
        fresh.push(await this.page(list, cursor, signal));
        cursor = fresh.at(-1).next ?? undefined;
      }
      return replacePages(list.pages, from, fresh);
    });
    if (!error) return;
    this.put(list);
    throw error;
  }

  /** Change the pages of a list to those that `load` returns. Returns its error: the list is loading then, until `put`. */
  async read(list, load) {
    const { signal } = this.aborter;
    this.put({ ...list, loading: true });
    try {
      const pages = await load(signal);
      if (!signal.aborted) this.put({ ...list, pages, loading: false, error: null });
    } catch (error) {
      if (!signal.aborted) return { error };
    }
    return {};
  }

  /** The page from a cursor on. The server's may have no subtask, and still a next one: it looks at a part of a large run. */
  async page(list, cursor, signal) {
    let found = await this.fetchPage(this.query(list, cursor), signal);
    while (found.subtasks.length === 0 && found.next !== null) {
      found = await this.fetchPage(this.query(list, found.next), signal);
    }
    return { cursor, rows: found.subtasks, next: found.next, at: this.now() };
  }

  query(list, cursor) {
    const { state, step, text } = this.filter;
    const all = { state: state || undefined, step: step || undefined, text: text || undefined };
    const own = isFlat(this.filter) ? all : { parent: list.parent?.key ?? "" };
    return { ...own, cursor: cursor ?? undefined, limit: PAGE };
  }

  put(list) {
    if (!this.lists.has(list.id)) return;
    this.lists.set(list.id, list);
    const steps = new Set(list.pages.flatMap((page) => page.rows.map((one) => one.step)));
    if (steps.size > 1) this.manySteps = true;
    this.changed();
  }

  changed() {
    const rows = visibleRows(this.lists, this.open);
    this.state = { rows, filter: this.filter, flat: isFlat(this.filter), loading: this.lists.get(TOP).loading };
    for (const listener of this.listeners) listener();
  }
}

/** All subtasks that were read, for example for the timeline. */
export const subtasksRead = (store) =>
  [...store.lists.values()].flatMap((list) => list.pages.flatMap((page) => page.rows));
