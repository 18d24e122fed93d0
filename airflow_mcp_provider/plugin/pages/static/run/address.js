// The filter, the view and the chosen subtask stand in the address of the page. Airflow's own parts of the page may have
// values there, too: ours have names of their own.

import { here, readValues, write } from "../lib/address.js";
import { useEffect, useRef, useState } from "../lib/react.js";
import { SUBTASK_STATES } from "../lib/state.js";

export const VIEWS = ["tree", "runners", "result"];
const NAMES = ["mcp_state", "mcp_step", "mcp_text", "mcp_view", "mcp_subtask", "mcp_subtask_step"];

const known = (value, values, other) => (values.includes(value) ? value : other);

const read = (params) => {
  const found = readValues(params, NAMES);
  const filter = { state: known(found.mcp_state, SUBTASK_STATES, ""), step: found.mcp_step, text: found.mcp_text };
  const chosen = found.mcp_subtask ? { key: found.mcp_subtask, step: found.mcp_subtask_step } : null;
  return { filter, view: known(found.mcp_view, VIEWS, VIEWS[0]), chosen };
};

const written = ({ filter, view, chosen }) => ({
  mcp_state: filter.state,
  mcp_step: filter.step,
  mcp_text: filter.text,
  mcp_view: view === VIEWS[0] ? "" : view,
  mcp_subtask: chosen?.key,
  mcp_subtask_step: chosen?.step,
});

/** What the address says when the page opens: `{ filter, view, chosen }`. */
export const useOpened = () => useState(() => read(here()))[0];

/** Write what is shown into the address, when it has changed. */
export const useAddress = (shown) => {
  const text = JSON.stringify(written(shown));
  const before = useRef(text);
  useEffect(() => {
    if (before.current === text) return;
    before.current = text;
    write({ ...readValues(new URLSearchParams(), NAMES), ...JSON.parse(text) });
  }, [text]);
};
