// Requests that are repeated while somebody looks at them.

import { pause } from "./pace.js";
import { useCallback, useEffect, useRef, useState } from "./react.js";

const FIRST = 5000; // ms before there is data
const NOTHING = { data: undefined, error: null, loading: true };

// Call `load(signal)` again and again. It pauses while the tab is hidden, ends when `until(data)` is true or the error
// is final, and waits longer after each error. `latest` is a ref, `set` gets what has changed.
const poller = (latest, set) => {
  let [timer, failures, stopped, over, busy] = [0, 0, false, false, null];
  let [pace, took] = [FIRST, 0];
  const paceOf = (data, { every } = latest.current) => (typeof every === "function" ? every(data) : every);
  const plan = () => {
    if (stopped || over) return;
    timer = setTimeout(look, pause(pace, failures, took));
  };
  const found = (data) => {
    pace = paceOf(data);
    [failures, over] = [0, Boolean(latest.current.until(data))];
    set({ data, error: null, loading: false });
  };
  const failed = (error) => {
    [failures, over] = [failures + 1, Boolean(error.final)];
    set({ error, loading: false });
  };
  const look = async () => {
    clearTimeout(timer);
    if (stopped || document.hidden) return;
    const mine = (busy = new AbortController());
    const began = performance.now();
    try {
      const data = await latest.current.load(mine.signal);
      if (busy === mine && !stopped) found(data);
    } catch (error) {
      if (busy === mine && !stopped && !mine.signal.aborted) failed(error);
    }
    if (busy !== mine) return;
    busy = null;
    took = performance.now() - began;
    plan();
  };
  const seen = () => {
    if (!document.hidden && !over && !busy) look();
  };
  const refresh = () => {
    busy?.abort(); // its answer may be from before a change
    [failures, over] = [0, false];
    return look();
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    busy?.abort();
    document.removeEventListener("visibilitychange", seen);
  };
  document.addEventListener("visibilitychange", seen);
  look();
  return { refresh, stop };
};

// Return { data, error, loading, refresh }. `every`: ms, or a function of the data. `key` names what is loaded: with
// another key it is loaded at once, and the old data is dropped unless `keep` is set. On an error the data stays.
// `refresh()` starts an ended poll again.
export const usePoll = (load, { key, every, until = () => false, keep = false }) => {
  const [state, set] = useState({ ...NOTHING, key });
  const latest = useRef(null);
  const running = useRef(null);
  latest.current = { load, every, until };
  useEffect(() => {
    set((old) => (old.key === key || keep ? { ...old, key, loading: true } : { ...NOTHING, key }));
    running.current = poller(latest, (news) => set((old) => ({ ...old, ...news, key })));
    return running.current.stop;
  }, [key]);
  const refresh = useCallback(() => running.current?.refresh(), []);
  return { ...(state.key === key || keep ? state : NOTHING), refresh };
};
