// What the list of jobs is filtered by. It stands in the address of the page, so that a link shows the same list.

import { readValues, withValues } from "../lib/address.js";
import { TYPING } from "../lib/inputs.js";
import { useCallback, useEffect, useRef, useSearchParams, useState } from "../lib/react.js";

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

// `filters`: what the inputs show; `settled`: what the server is asked for. The inputs are not controlled by the address:
// the router changes it later than a key is pressed.
export const useFilters = () => {
  const [params, setParams] = useSearchParams();
  const [filters, setFilters] = useState(() => read(params));
  const text = useSettled(JSON.stringify(filters));
  const address = JSON.stringify(read(params));
  const known = useRef(address);
  useEffect(() => {
    if (text === known.current) return;
    known.current = text;
    setParams((old) => withValues(old, JSON.parse(text)), { replace: true });
  }, [text]);
  useEffect(() => {
    if (address === known.current) return; // written above
    known.current = address;
    setFilters(JSON.parse(address)); // a link to this page was followed
  }, [address]);
  const set = useCallback((changes) => setFilters((old) => ({ ...old, ...changes })), []);
  const clear = useCallback(() => setFilters(read(new URLSearchParams())), []);
  return { filters, settled: JSON.parse(text), set, clear };
};
