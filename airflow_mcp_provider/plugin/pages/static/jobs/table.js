// The rows of the page Jobs.

import { Box, Grid, HStack, PageLink, Tag, Text, VStack, h, memo } from "../lib/react.js";
import { jobPath, runPath } from "../lib/links.js";
import { StateBadge, StateSquare, stateOf } from "../lib/state.js";
import { Ago, Elapsed, between, duration } from "../lib/time.js";
import { VirtualTable } from "../lib/virtual.js";
import { Actions } from "./actions.js";
import { Problem } from "./problem.js";

const ROW = 76; // px
const COLUMNS = {
  templateColumns: "minmax(8.5rem, 3fr) minmax(8.5rem, 2fr) 4rem 13.3rem minmax(5.5rem, 1fr) 13.4rem",
  columnGap: 2,
  alignItems: "center",
  px: 2,
  minW: "56.7rem", // all of it in a window of 1000 px
};
const HEADS = ["Job", "Active run", "Queued", "Last runs, newest first", "Next run", "Actions"];
const LAST = 10;
const MOST_TAGS = 4;

const cell = (key, content) => h(Box, { key, role: "cell", minW: 0 }, content);
const clipped = { display: "block", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" };

const Header = () =>
  h(
    Grid,
    { role: "row", "aria-rowindex": 1, ...COLUMNS, py: 1, borderBottomWidth: 1, fontWeight: "bold", fontSize: "sm" },
    HEADS.map((head) => h(Box, { key: head, role: "columnheader" }, head)),
  );

const Tags = ({ tags, onTag }) =>
  tags.slice(0, MOST_TAGS).map((tag) =>
    h(
      Tag.Root,
      { key: tag, as: "button", size: "sm", cursor: "pointer", flexShrink: 0, title: `Show jobs with the tag ${tag}`, onClick: () => onTag(tag) },
      h(Tag.Label, null, tag),
    ),
  );

const Name = ({ job, onTag, tabs }) =>
  h(
    VStack,
    { align: "start", gap: 0, minW: 0 },
    h(
      HStack,
      { gap: 2, maxW: "100%" },
      h(PageLink, { to: jobPath(job.job, tabs), fontWeight: "medium", title: job.job, ...clipped }, job.job),
      job.paused && h(Tag.Root, { size: "sm", colorPalette: "orange", flexShrink: 0 }, h(Tag.Label, null, "‖ paused")),
      h(HStack, { gap: 2, minW: 0, flexShrink: 1000, overflow: "hidden" }, h(Tags, { tags: job.tags, onTag })), // cut before the id is
    ),
    h(Text, { fontSize: "sm", color: "fg.muted", maxW: "100%", title: job.description, ...clipped }, job.description ?? ""),
    h(Problem, { job }),
  );

// The run that holds the slot of the job, and for how long.
const Holder = ({ job, tabs }) => {
  const { holder } = job;
  if (!holder) return h(Text, { color: "fg.muted", fontSize: "sm" }, "none");
  const state = job.last.find(({ run }) => run === holder.run)?.state ?? "running";
  const since = h(Elapsed, { since: holder.since });
  return h(
    VStack,
    { align: "start", gap: 0, fontSize: "sm", minW: 0 },
    h(HStack, { gap: 2 }, h(StateBadge, { state, size: "sm" }), since),
    h(PageLink, { to: runPath(job.job, holder.run, tabs), title: holder.run, maxW: "100%", ...clipped }, holder.run),
    holder.submitter && h(Text, { color: "fg.muted", maxW: "100%", ...clipped }, `by ${holder.submitter}`),
  );
};

// What a screen reader reads, and what a pointer shows: "error after 42s, ended 5m ago, run x".
const spoken = (run) => {
  const took = between(run.started, run.ended ?? undefined);
  const time = run.started ? ` ${run.ended ? "after" : "for"} ${duration(took)}` : "";
  const ended = run.ended ? `, ended ${duration(between(run.ended))} ago` : "";
  return `${stateOf(run.state).text}${time}${ended}, run ${run.run}`;
};

const Last = ({ job, tabs }) =>
  job.last.length === 0
    ? h(Text, { color: "fg.muted", fontSize: "sm" }, "no runs yet")
    : h(
        HStack,
        { as: "ul", gap: "3px", listStyle: "none" },
        job.last.slice(0, LAST).map((run) =>
          h("li", { key: run.run }, h(StateSquare, { state: run.state, label: spoken(run), to: runPath(job.job, run.run, tabs) })),
        ),
      );

// `memo`: a scroll renders the rows that come into sight, not those that stay.
const Row = memo(({ job, refresh, onTag, tabs }) =>
  h(
    Grid,
    { ...COLUMNS, role: "presentation", h: "100%", borderBottomWidth: 1, "data-job": job.job },
    cell("name", h(Name, { job, onTag, tabs })),
    cell("holder", h(Holder, { job, tabs })),
    cell("queued", h(Text, { fontVariantNumeric: "tabular-nums", color: job.queued ? "fg" : "fg.muted" }, job.queued)),
    cell("last", h(Last, { job, tabs })),
    cell("next", h(Ago, { value: job.next_run, style: { fontSize: "0.875rem" } })),
    cell("actions", h(Actions, { job, refresh })),
  ),
);

export const JobTable = ({ list, onTag, tabs }) =>
  h(VirtualTable, {
    count: list.items.length,
    total: list.more ? -1 : list.items.length,
    rowHeight: ROW,
    label: "Jobs",
    rowKey: (index) => list.items[index].job,
    header: h(Header),
    onSeen: list.onSeen,
    "aria-busy": list.loading,
    renderRow: (index) => h(Row, { job: list.items[index], refresh: list.refresh, onTag, tabs }),
  });
