import { equal, test } from "./check.js";
import { subtask } from "./subtasks.js";
import { MOST_SEEN, layout, seen, ticks } from "../static/run/timeline.js";

const at = (seconds) => new Date(seconds * 1000).toISOString();
const running = (key, started) => subtask(key, { state: "running", attempt: 1, started: at(started) });
const ended = (key, started, end, state = "succeeded") => ({ ...running(key, started), state, ended: at(end) });
const runner = (id, start, end) => ({ id, start: start * 1000, end: end === null ? null : end * 1000, state: "succeeded" });

test("a runner that is gone ended at the look, until its end is known", () => {
  const first = seen(new Map(), [running("a", 1), running("b", 2)], [], 5000);
  equal([...first.values()].map((one) => one.end), [null, null]);
  const second = seen(first, [running("b", 2)], [], 8000);
  equal([...second.values()].map((one) => [one.end, one.state]), [[8000, "unknown"], [null, "running"]]);
  const third = seen(second, [running("b", 2)], [ended("a", 1, 6, "failed")], 9000);
  equal([...third.values()].map((one) => [one.end, one.state]), [[6000, "failed"], [null, "running"]]);
});

test("what was read while it ran does not run for ever", () => {
  const found = seen(new Map(), [], [running("a", 1)], 5000);
  equal([...found.values()].map((one) => [one.end, one.state]), [[5000, "unknown"]]);
  const later = seen(found, [], [running("a", 1)], 9000);
  equal([...later.values()].map((one) => one.end), [5000]);
});

test("a further attempt is a further runner", () => {
  const first = seen(new Map(), [running("a", 1)], [], 2000);
  const second = seen(first, [{ ...running("a", 5), attempt: 2 }], [], 6000);
  equal(second.size, 2);
});

test("the latest ones are kept", () => {
  const many = Array.from({ length: MOST_SEEN + 5 }, (_, n) => ended(`k${n}`, n, n + 1));
  const found = seen(new Map(), [running("x", 1)], many, 1e6);
  equal([found.size, found.has("run\nx\n1"), found.has("run\nk0\n1")], [MOST_SEEN, true, false]);
});

test("bars do not overlap in a lane", () => {
  const { bars, lanes, from, to } = layout([runner("a", 0, 10), runner("b", 5, 20), runner("c", 10, 15), runner("d", 12, null)], 20_000);
  equal(bars.map((one) => [one.id, one.lane]), [["a", 0], ["b", 1], ["c", 0], ["d", 2]]);
  equal([lanes, from, to], [3, 0, 20_000]);
  equal(bars.map((one) => [one.x, one.width]), [[0, 0.5], [0.25, 0.75], [0.5, 0.25], [0.6, 0.4]]);
});

test("old runners are left out, and what has no lane is counted", () => {
  const many = Array.from({ length: 5 }, (_, n) => runner(`r${n}`, 90, null));
  const found = layout([runner("old", 0, 1), ...many], 100_000, { span: 50_000, most: 3 });
  equal([found.bars.length, found.lanes, found.left], [3, 3, 2]);
  equal(layout([], 1000).bars, []);
});

test("the grid has round times", () => {
  equal(ticks(0, 60_000), [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  equal(ticks(1000, 601_000).length, 5);
});
