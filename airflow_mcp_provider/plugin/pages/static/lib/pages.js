// A long list that the server gives in pages: a page is loaded when its rows come into sight, and only the pages in
// sight are loaded again.

import { useCallback, useRef } from "./react.js";
import { usePoll } from "./poll.js";

// `busy`: requests on their way; `failed`: the last one was refused, or not answered.
const empty = (key) => ({ key, pages: [], seen: [0, 1], busy: 0, failed: false });

// The numbers of the pages in sight, and of the next one where the loaded rows end.
const inSight = ({ pages, seen: [first, last] }) => {
  const found = [];
  let start = 0;
  for (const [number, { items }] of pages.entries()) {
    if (start < last && start + items.length > first) found.push(number);
    start += items.length;
  }
  if (isMissing({ pages, seen: [first, last] })) found.push(pages.length);
  return found.length ? found : [Math.max(0, pages.length - 1)];
};

const isMissing = ({ pages, seen: [, last] }) =>
  pages.length === 0 || (pages.at(-1).next !== null && last >= pages.reduce((sum, { items }) => sum + items.length, 0));

const joined = (pages, id) => {
  const found = new Map();
  for (const one of pages.flatMap(({ items }) => items)) if (!found.has(id(one))) found.set(id(one), one);
  return [...found.values()];
};

// `read(cursor, signal)` resolves to { items, next }; `id(item)` names an item. Returns { items, more, onSeen, … } with
// what `usePoll` returns; `data.key` is the key of the items, which are the old ones until the new ones are there. Give
// `onSeen` to VirtualTable.
export const usePages = (read, { key, id, every }) => {
  const store = useRef(null);
  if (store.current?.key !== key) store.current = empty(key);
  const pagesOf = async (mine, signal) => {
    const done = new Set();
    // What has come into sight meanwhile is read, too.
    for (let number; (number = inSight(mine).find((one) => !done.has(one))) !== undefined; done.add(number)) {
      if (number > 0 && !mine.pages[number - 1]?.next) break; // the list has become shorter
      const page = await read(number === 0 ? null : mine.pages[number - 1].next, signal);
      mine.pages[number] = page;
      if (page.next === null) mine.pages.length = number + 1;
    }
  };
  const load = async (signal) => {
    const mine = store.current;
    mine.busy += 1;
    try {
      await pagesOf(mine, signal);
      mine.failed = false;
    } catch (error) {
      mine.failed = !signal.aborted;
      throw error;
    } finally {
      mine.busy -= 1;
    }
    return { key: mine.key, items: joined(mine.pages, id), more: mine.pages.at(-1).next !== null };
  };
  const poll = usePoll(load, { key, every, keep: true });
  const onSeen = useCallback(
    (first, last) => {
      const mine = store.current;
      mine.seen = [first, last];
      // Not at each move of a scroll: a request on its way is not begun anew, and after an error the poll waits.
      if (mine.pages.length && !mine.busy && !mine.failed && isMissing(mine)) poll.refresh();
    },
    [poll.refresh],
  );
  return { ...poll, items: poll.data?.items ?? [], more: poll.data?.more ?? false, onSeen };
};
