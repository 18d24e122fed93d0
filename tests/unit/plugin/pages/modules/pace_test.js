import { equal, test } from "./check.js";
import { pause } from "../static/lib/pace.js";

test("a poll has its pace, and after each error waits longer", () => {
  equal([0, 1, 2, 3, 4, 5, 5000].map((failures) => pause(5000, failures, 10)), [5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test("a pace above a minute stays", () => {
  equal([pause(90_000, 0, 0), pause(90_000, 9, 0)], [90_000, 90_000]);
});

test("a page is asking a fifth of the time at most", () => {
  equal([100, 1000, 5000, 50_000].map((took) => pause(3000, 0, took)), [3000, 4000, 20_000, 60_000]);
});
