// What the chart and its summary say of ended runs. Reads, renders nothing.

const seconds = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

// A run that was ended in the queue has not started, and so has no duration.
const durationOf = (run) => (run.started && run.ended ? seconds(run.started, run.ended) : null);

export const history = (runs) =>
  runs
    .filter((run) => run.done)
    .map((run) => ({ ...run, duration: durationOf(run) }))
    .reverse();

const median = (sorted) => {
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const summary = (ended) => {
  const times = ended.map((run) => run.duration).filter((time) => time !== null).sort((a, b) => a - b);
  const counts = {};
  for (const run of ended) counts[run.state] = (counts[run.state] ?? 0) + 1;
  return {
    counts,
    median: times.length ? median(times) : null,
    longest: times.length ? times.at(-1) : null,
  };
};

// Of the height of the chart, 0 to 1: a short run stays visible beside a long one.
const SMALLEST = 0.02;
export const share = (duration, longest) => {
  if (duration === null) return 0;
  return longest ? Math.max(SMALLEST, duration / longest) : SMALLEST;
};
