// How a page is handed to Airflow's UI: it looks for a function on globalThis under the name of the entry in
// plugin/pages/entries.py, and gives it dagId, runId, taskId and mapIndex of the address.

import { Box, Component, Heading, Text, h } from "./react.js";

// An error in one page must not take Airflow's UI with it.
class Boundary extends Component {
  constructor(props) {
    super(props);
    this.state = { error: null };
  }

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    if (!this.state.error) return this.props.children;
    const text = "This page has an error. Load it again; the console of the browser has more.";
    const parts = [h(Heading, { key: "h", size: "md" }, "Error"), h(Text, { key: "t" }, text), h(Text, { key: "e" }, String(this.state.error))];
    return h(Box, { p: 4, role: "alert" }, parts);
  }
}

// With another DAG or run the page starts anew.
export const register = (name, Shown) => {
  globalThis[name] = (props) => h(Boundary, { key: `${props.dagId} ${props.runId}` }, h(Shown, props));
};

// Whether the tabs of DAGs and runs exist: not with [mcp] ui = nav. `url`: import.meta.url of the entry's module.
export const hasTabs = (url) => new URL(url).searchParams.get("tabs") !== "no";
