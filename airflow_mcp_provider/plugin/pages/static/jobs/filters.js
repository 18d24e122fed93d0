// What the list of jobs is filtered by. It stands in the address of the page, so that a link shows the same list.

import { useCallback, useEffect, useSearchParams, useState } from "../lib/react.js";

const NAMES = ["search", "tag", "show"];
const TYPING = 300; // ms without a key before the server is asked

export const useFilters = () => {
  const [params, setParams] = useSearchParams();
  const filters = Object.fromEntries(NAMES.map((name) => [name, params.get(name) ?? ""]));
  const set = useCallback(
    (changes) =>
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  const clear = useCallback(() => set(Object.fromEntries(NAMES.map((name) => [name, ""]))), [set]);
  return { filters, set, clear };
};

// The filters, a moment after the last change of them.
export const useDeferred = (filters) => {
  const text = JSON.stringify(filters);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return JSON.parse(settled);
};
