// The page Jobs of the navigation: every job that the user may see.

import { useFilters } from "./jobs/filters.js";
import { Filters } from "./jobs/toolbar.js";
import { JobTable } from "./jobs/table.js";
import { get } from "./lib/api.js";
import { hasTabs, register } from "./lib/entry.js";
import { usePages } from "./lib/pages.js";
import { Empty, ErrorBox, Loading, Page } from "./lib/parts.js";
import { usePoll } from "./lib/poll.js";
import { Link, h, useCallback } from "./lib/react.js";

const TABS = hasTabs(import.meta.url);
const [PAGE, EVERY, TAGS] = [50, 5000, 60_000]; // jobs in one request, ms between two, and between two looks at the tags

const queryOf = ({ search, tag, show }) => ({
  search: search || undefined,
  tag: tag || undefined,
  active: { active: true }[show],
  paused: { paused: true }[show],
});

const useJobs = (filters) =>
  usePages(
    async (cursor, signal) => {
      const page = await get("jobs", { signal, query: { ...queryOf(filters), cursor, limit: PAGE } });
      return { items: page.jobs, next: page.next };
    },
    { key: JSON.stringify(queryOf(filters)), every: EVERY, id: ({ job }) => job },
  );

const useTags = () => usePoll((signal) => get("tags", { signal }), { key: "tags", every: TAGS }).data?.tags ?? [];

const NoJobs = ({ filters, clear }) => {
  if (Object.values(queryOf(filters)).some((value) => value !== undefined)) {
    return h(Empty, { title: "No job matches" }, h(Link, { as: "button", onClick: clear }, "Show all jobs"));
  }
  return h(Empty, { title: "No jobs yet" }, "A job is a spec in YAML in the DAGs folder. The command mcp-jobs new NAME writes a first one. A spec that was never valid is on the page Home, with the import errors.");
};

const Found = ({ list, filters, clear, onTag }) => {
  if (list.items.length === 0) {
    if (list.error) return h(ErrorBox, { error: list.error, onRetry: list.refresh });
    return list.data ? h(NoJobs, { filters, clear }) : h(Loading, { label: "Loading jobs" });
  }
  return [
    list.error && h(ErrorBox, { key: "error", error: list.error, onRetry: list.refresh, kept: true }),
    h(JobTable, { key: `table ${list.data.key}`, list, onTag, tabs: TABS }), // another filter starts at the top
  ];
};

const Jobs = () => {
  const { filters, settled, set, clear } = useFilters();
  const list = useJobs(settled);
  const onTag = useCallback((tag) => set({ tag }), [set]);
  const toolbar = h(Filters, { filters, set, tags: useTags(), loading: list.loading });
  return h(Page, { heading: "Jobs", toolbar, testId: "mcp-jobs" }, h(Found, { list, filters, clear, onTag }));
};

register("Jobs", Jobs);
