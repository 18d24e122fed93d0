// When runs are created without a person: the schedule in words, its next dates, and what a watch has found.

import { Badge, Box, Code, DataList, List, Text, h } from "../lib/react.js";
import { Ago, Time, zone } from "../lib/time.js";
import { Section, Words } from "./text.js";

const Next = ({ dates }) => {
  if (!dates.length) return h(Text, { color: "fg.muted" }, "There is no date of a next run.");
  const each = dates.map((date) => h(List.Item, { key: date }, h(Time, { value: date }), ", ", h(Ago, { value: date })));
  const list = h(List.Root, { as: "ol", ps: 5, "aria-label": "Next runs", "data-testid": "upcoming" }, each);
  // The schedule may be in another zone than the reader.
  return h(Box, { mt: 1 }, h(Text, { color: "fg.muted", m: 0 }, `Next runs, in ${zone()}:`), list);
};

const Item = ({ label, children }) =>
  h(DataList.Item, null, h(DataList.ItemLabel, null, label), h(DataList.ItemValue, { minW: 0, flexWrap: "wrap" }, children));

const When = ({ value }) => (value ? h("span", null, h(Time, { value }), " (", h(Ago, { value }), ")") : "never");

const Watch = ({ watch }) =>
  h(
    Box,
    { mt: 2, "data-testid": "watch" },
    watch.problem && h(Text, { color: "red.fg", mb: 1 }, "⚠ ", h(Words, { text: watch.problem })),
    h(
      DataList.Root,
      { orientation: "horizontal", size: "sm", "aria-label": "Watch" },
      h(Item, { label: "Last check" }, h(When, { value: watch.last_check })),
      h(Item, { label: "Last success" }, h(When, { value: watch.last_success })),
      h(Item, { label: "Work" }, watch.pending ? h(Badge, { colorPalette: "blue" }, "● pending") : "none at the last check"),
      watch.failures > 0 && h(Item, { label: "Failures" }, `${watch.failures} since the last success`),
      watch.error && h(Item, { label: "Error" }, h(Words, { text: watch.error })),
    ),
  );

const RULES = ["jitter", "misfire_grace"]; // words of the spec
const Rules = ({ rules }) => {
  const given = RULES.filter((name) => rules?.[name]);
  if (!given.length) return null;
  const each = given.map((name) => h("span", { key: name }, h(Code, null, `${name}: ${rules[name]}`), " "));
  return h(Text, { color: "fg.muted", m: 0 }, each);
};

const isDates = (job) => Boolean(job.upcoming?.length || job.next_run);
const datesOf = (job) => (job.upcoming?.length ? job.upcoming : [job.next_run]);

const Described = ({ job }) => {
  const words = job.schedule_description ?? job.schedule;
  const short = job.schedule && job.schedule !== words && h(Code, { ms: 2, overflowWrap: "anywhere" }, job.schedule);
  return h(Text, { m: 0 }, h(Words, { text: words }), short);
};

export const Schedule = ({ job }) => {
  const has = Boolean(job.schedule ?? job.schedule_description);
  return h(
    Section,
    { title: "Schedule", "data-testid": "schedule" },
    !has && !job.watch && h(Text, { color: "fg.muted" }, "No schedule: runs are submitted by people and programs."),
    has && h(Described, { job }),
    h(Rules, { rules: job.spec?.schedule }),
    job.paused && has && h(Text, { color: "fg.muted", m: 0 }, "The job is paused: no run is created at these dates."),
    isDates(job) ? h(Next, { dates: datesOf(job) }) : has && !job.watch && h(Next, { dates: [] }),
    job.watch && h(Watch, { watch: job.watch }),
  );
};
