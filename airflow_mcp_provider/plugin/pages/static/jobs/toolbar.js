// The search, the tag, and which jobs are shown.

import { Search, Select } from "../lib/inputs.js";
import { Spinner, VisuallyHidden, h } from "../lib/react.js";

const SHOW = [
  ["", "All jobs"],
  ["active", "Queued or running"],
  ["paused", "Paused"],
];

export const Filters = ({ filters, set, tags, loading }) => {
  const known = [...new Set([...tags, filters.tag])].filter(Boolean);
  return [
    loading && h(Spinner, { key: "loading", size: "xs", "aria-hidden": true }),
    h(Search, {
      key: "search",
      label: "Search jobs by id or description",
      hint: "Search id or description",
      value: filters.search,
      onChange: (search) => set({ search }),
    }),
    h(Select, {
      key: "tag",
      label: "Tag",
      value: filters.tag,
      onChange: (tag) => set({ tag }),
      options: [["", "All tags"], ...known.map((tag) => [tag, tag])],
    }),
    h(Select, { key: "show", label: "Which jobs", value: filters.show, onChange: (show) => set({ show }), options: SHOW }),
    h(VisuallyHidden, { key: "state", role: "status" }, loading ? "Loading" : ""),
  ];
};
