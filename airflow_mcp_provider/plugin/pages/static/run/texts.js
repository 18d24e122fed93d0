// The numbers of a run as text. No React.

const EACH = [
  [1, "second"],
  [60, "minute"],
  [3600, "hour"],
];

/** A rate with the unit in which it is at least one: "4.2 per second", "12 per minute". */
export const rateText = (rate) => {
  if (!rate) return "";
  const [factor, unit] = EACH.find(([one]) => rate * one >= 1) ?? EACH.at(-1);
  const value = rate * factor;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} per ${unit}`;
};

/** The parts of the bar: how many subtasks are in each state; `waiting` are those that have not started. */
export const partsOf = ({ known, done, failed, skipped, running }) => {
  const waiting = Math.max(0, known - done - failed - skipped - running);
  return { succeeded: done, failed, skipped, running: Math.min(running, known - done - failed - skipped), waiting };
};

/** How many subtasks have ended, as text: "12 of 40 (30%)". */
export const endedText = ({ known, done, failed, skipped }) => {
  const ended = done + failed + skipped;
  if (known === 0) return "0 subtasks";
  // 100 % is when all have ended, not when 99.6 % have.
  return `${ended} of ${known} (${ended === known ? 100 : Math.min(99, Math.round((100 * ended) / known))}%)`;
};

/** Why the number of subtasks may grow; "" when it cannot. */
export const growthText = (run) => {
  if (run.done || !run.progress) return "";
  if (run.progress.fraction === null) return "plan is finding subtasks";
  const { known, done, failed, skipped } = run.progress;
  return known > done + failed + skipped ? "running subtasks may enqueue more" : "";
};

/** How many subtasks a step, or all steps, has in each state. */
export const countsOf = (steps, name = "") => {
  const found = { known: 0, waiting: 0, running: 0, succeeded: 0, failed: 0, skipped: 0 };
  for (const step of steps.filter((one) => !name || one.step === name)) {
    for (const key of Object.keys(found)) found[key] += step[key] ?? 0;
  }
  return found;
};

/** An error in one line. */
export const reasonLine = (why) => (why ? `${why.code}: ${why.text}`.replaceAll(/\s+/g, " ").trim() : "");
