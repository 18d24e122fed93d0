// Where the bars of the timeline of runners are. No React. Times are milliseconds.

export const MOST_SEEN = 600;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

/** The id of a runner: an attempt of a subtask. Subtasks of a batch share a task instance, one works at a time. */
const runnerId = (subtask) => `${subtask.step}\n${subtask.key}\n${subtask.attempt}`;

/**
 * Add the subtasks that a look has found to those that were seen before; `running` are all that run now.
 *
 * One that no longer runs has ended between two looks: until more is known its end is the time of the look.
 */
export const seen = (before, running, known, now) => {
  const found = new Map(before);
  for (const one of running) put(found, one);
  const live = new Set(running.map(runnerId));
  // What was read some time ago as running may have ended since.
  for (const one of known) if (one.ended || !found.has(runnerId(one))) put(found, one);
  for (const [id, one] of found) {
    if (one.end === null && !live.has(id)) found.set(id, { ...one, end: now, state: "unknown" });
  }
  return latest(found);
};

const put = (found, subtask) => {
  if (!subtask.started) return;
  const id = runnerId(subtask);
  const running = subtask.state === "running";
  const end = running || !subtask.ended ? null : Date.parse(subtask.ended);
  found.set(id, { id, subtask, start: Date.parse(subtask.started), end, state: subtask.state });
};

const latest = (found) => {
  if (found.size <= MOST_SEEN) return found;
  const order = [...found.values()].sort((one, other) => (other.end ?? Infinity) - (one.end ?? Infinity));
  return new Map(order.slice(0, MOST_SEEN).map((one) => [one.id, one]));
};

/**
 * Bars in lanes: each bar in the first lane that is free at its start, at most `most` lanes.
 *
 * `x` and `width` are parts of the whole, from 0 to 1. `all`: also those that have no lane; `left`: how many.
 */
export const layout = (runners, now, { span = 900_000, most = 100 } = {}) => {
  const shown = runners.filter((one) => (one.end ?? now) >= now - span).sort((one, other) => one.start - other.start);
  const from = shown.length === 0 ? now - span : Math.max(now - span, shown[0].start);
  const length = Math.max(1000, now - from);
  const ends = [];
  const bars = shown.map((one) => bar(one, ends, { from, length, now }));
  const placed = bars.filter((one) => one.lane < most);
  return { bars: placed, all: bars, lanes: Math.min(ends.length, most), left: bars.length - placed.length, from, to: from + length };
};

const bar = (runner, ends, { from, length, now }) => {
  const end = Math.max(runner.end ?? now, runner.start + 1);
  const free = ends.findIndex((one) => one <= runner.start);
  const lane = free < 0 ? ends.length : free;
  ends[lane] = end;
  const x = Math.max(0, (runner.start - from) / length);
  return { ...runner, lane, x, width: Math.max(0.002, Math.min(1, (end - from) / length) - x) };
};

/** The times of the grid, about `wanted` of them: round in the reader's zone for steps up to an hour. */
export const ticks = (from, to, wanted = 6) => {
  const step = 1000 * (STEPS_S.find((one) => (to - from) / 1000 / one <= wanted) ?? STEPS_S.at(-1));
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
};
