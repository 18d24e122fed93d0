"""How smooth the tree of subtasks is while it is scrolled."""

from __future__ import annotations

from typing import TypedDict

from playwright.sync_api import Page

SCROLL = """async (most) => {
  const frame = document.querySelector("[data-testid=rows]");
  const times = [];
  let [last, rows] = [performance.now(), 0];
  for (let top = 0; top < most; top += 200) {
    frame.scrollTop = top;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
    rows = Math.max(rows, document.querySelectorAll("[data-kind]").length);
  }
  times.sort((one, other) => one - other);
  const at = (part) => Math.round(10 * times[Math.floor(part * (times.length - 1))]) / 10;
  return { frames: times.length, median: at(0.5), p95: at(0.95), worst: at(1), rows };
}"""


class Frames(TypedDict):
    """Times in ms; `rows`: the most that were in the DOM."""

    frames: int
    median: float
    p95: float
    worst: float
    rows: int


def scrolled(page: Page, most: int) -> Frames:
    """Scroll the tree by so many pixels, and print the times of its frames: a test does not assert them."""
    seen: Frames = page.evaluate(SCROLL, most)
    print(f"frames: {seen}")  # noqa: T201 - for the figures of the docs
    return seen
