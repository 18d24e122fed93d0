// A server with the subtasks of a run, for the tests of the tree.

import { TreeStore } from "../static/run/store.js";

/** A subtask; `more` has fields that differ. */
export const subtask = (key, more = {}) => ({
  key,
  step: "run",
  state: "waiting",
  parent: null,
  depth: 0,
  children: 0,
  attempt: 0,
  started: null,
  ended: null,
  error: null,
  ...more,
});

/** Answers as the HTTP API does: filters, pages by cursor. `asked` has the queries. */
export class Server {
  constructor(subtasks = []) {
    Object.assign(this, { subtasks, asked: [], error: null });
  }

  fetchPage = async (query) => {
    this.asked.push(query);
    await null;
    if (this.error) throw this.error;
    const start = Number(query.cursor || 0);
    const found = [];
    let at = start;
    for (; at < this.subtasks.length && found.length < query.limit; at += 1) {
      if (this.fits(this.subtasks[at], query)) found.push(this.subtasks[at]);
    }
    return { subtasks: found, next: at < this.subtasks.length ? String(at) : null };
  };

  fits(one, { parent, state, step, text }) {
    const there = parent === undefined || (one.parent ?? "") === parent;
    return there && (!state || one.state === state) && (!step || one.step === step) && (!text || one.key.includes(text));
  }

  store() {
    return new TreeStore(this.fetchPage, undefined, () => this.asked.length);
  }
}

export const roots = (count) => Array.from({ length: count }, (_, number) => subtask(`s${number}`));

/** The rows of a store in short: level and key. */
export const shown = (store) =>
  store.current().rows.map((row) => `${row.level} ${row.kind === "subtask" ? row.subtask.key : row.kind}`);
