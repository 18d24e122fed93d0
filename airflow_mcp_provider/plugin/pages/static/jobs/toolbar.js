// The search, the tag, and which jobs are shown.

import { Input, NativeSelect, Spinner, VisuallyHidden, h } from "../lib/react.js";

const Select = ({ label, value, onChange, options }) =>
  h(
    NativeSelect.Root,
    { size: "sm", w: "auto" },
    h(
      NativeSelect.Field,
      { "aria-label": label, value, onChange: (event) => onChange(event.target.value) },
      options.map(([name, text]) => h("option", { key: name, value: name }, text)),
    ),
    h(NativeSelect.Indicator),
  );

const SHOW = [
  ["", "All jobs"],
  ["active", "Queued or running"],
  ["paused", "Paused"],
];

export const Filters = ({ filters, set, tags, loading }) => {
  const known = [...new Set([...tags, filters.tag])].filter(Boolean);
  return [
    loading && h(Spinner, { key: "loading", size: "xs", "aria-hidden": true }),
    h(Input, {
      key: "search",
      type: "search",
      size: "sm",
      w: "16rem",
      maxLength: 200,
      placeholder: "Search id or description",
      "aria-label": "Search jobs by id or description",
      value: filters.search,
      onChange: (event) => set({ search: event.target.value }),
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
