import { equal, test } from "./check.js";
import { count, visible } from "../static/lib/texts.js";
import { countsOf, endedText, growthText, partsOf, rateText, reasonLine } from "../static/run/texts.js";

const progress = (more) => ({ known: 10, done: 4, failed: 1, skipped: 1, running: 2, fraction: 0.6, ...more });

test("a rate has the unit in which it is at least one", () => {
  const rates = [4.2, 120, 0.25, 0.0166667, 0.002, 0.0001, 0, null];
  const texts = ["4.2 per second", "120 per second", "15 per minute", "1 per minute", "7.2 per hour", "0.36 per hour", "", ""];
  equal(rates.map(rateText), texts);
});

test("the parts of the bar are all known subtasks", () => {
  equal(partsOf(progress()), { succeeded: 4, failed: 1, skipped: 1, running: 2, waiting: 2 });
  // A runner may be counted that has stored the end of its subtask, and has not ended.
  equal(partsOf(progress({ running: 9 })), { succeeded: 4, failed: 1, skipped: 1, running: 4, waiting: 0 });
});

test("100% is when all have ended", () => {
  equal(endedText(progress()), "6 of 10 (60%)");
  equal(endedText(progress({ known: 1000, done: 997 })), "999 of 1000 (99%)");
  equal(endedText(progress({ done: 8 })), "10 of 10 (100%)");
  equal(endedText(progress({ known: 0, done: 0, failed: 0, skipped: 0 })), "0 subtasks");
});

test("whether the number may grow", () => {
  equal(growthText({ done: false, progress: progress({ fraction: null }) }), "plan is finding subtasks");
  equal(growthText({ done: false, progress: progress() }), "running subtasks may enqueue more");
  equal(growthText({ done: false, progress: progress({ done: 8 }) }), "");
  equal(growthText({ done: true, progress: progress() }), "");
  equal(growthText({ done: false, progress: null }), "");
});

test("counts of one step, and of all", () => {
  const step = (name, failed) => ({ step: name, known: 3, waiting: 1, running: 0, succeeded: 1, failed, skipped: 0 });
  equal(countsOf([step("a", 1), step("b", 2)]).failed, 3);
  equal(countsOf([step("a", 1), step("b", 2)], "a").failed, 1);
  equal(countsOf([]).known, 0);
});

test("a reason is one line", () => {
  equal(reasonLine({ code: "ValueError", text: "a\n  b" }), "ValueError: a b");
  equal(reasonLine(null), "");
  equal([count(1, "run"), count(2, "run"), count(0, "entry", "entries")], ["1 run", "2 runs", "0 entries"]);
});

test("what cannot be seen in a name is escaped", () => {
  const names = ["a/b c", "\u200bzero", "\u202egnp.exe", "a\nb", "  ", "", " a ", "\u00a0", "می‌خواهم 👩‍🚒 ключ"];
  equal(names.map(visible), ["a/b c", "\\u200bzero", "\\u202egnp.exe", "a\\u000ab", "␣␣", "", "␣a␣", "\\u00a0", "می‌خواهم 👩‍🚒 ключ"]);
});
