// What the list of jobs is filtered by. It stands in the address of the page, so that a link shows the same list.

import { here, readValues, write } from "../lib/address.js";
import { TYPING } from "../lib/inputs.js";
import { useCallback, useEffect, useLocation, useRef, useState } from "../lib/react.js";

const NAMES = ["search", "tag", "show"];

const read = (params) => readValues(params, NAMES);

// A value, a moment after its last change.
const useSettled = (value) => {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
};

// `filters`: what the inputs show; `settled`: what the server is asked for.
export const useFilters = () => {
  const { key, search } = useLocation();
  const [filters, setFilters] = useState(() => read(here()));
  const text = useSettled(JSON.stringify(filters));
  const known = useRef(text);
  const followed = useRef(key);
  useEffect(() => {
    if (text === known.current) return;
    known.current = text;
    write(JSON.parse(text));
  }, [text]);
  useEffect(() => {
    if (key === followed.current) return;
    followed.current = key;
    setFilters(read(new URLSearchParams(search))); // a link to this page was followed
  }, [key]);
  const set = useCallback((changes) => setFilters((old) => ({ ...old, ...changes })), []);
  const clear = useCallback(() => setFilters(read(new URLSearchParams())), []);
  return { filters, settled: JSON.parse(text), set, clear };
};
