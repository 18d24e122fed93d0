"""What a screen reader hears of a page: the result of an action stands there for some seconds only."""

from __future__ import annotations

import re

from playwright.sync_api import Page

LISTEN = """() => {
  globalThis.heard = [];
  const listen = () => {
    for (const one of document.querySelectorAll("[role=status]")) {
      const text = one.textContent;
      if (text && one.said !== text && one.checkVisibility()) heard.push(text);
      one.said = text;
    }
  };
  new MutationObserver(listen).observe(document, { characterData: true, childList: true, subtree: true });
}"""


def listen(page: Page) -> None:
    """Note from now on what is said."""
    page.evaluate(LISTEN)


def hears(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until this text, or one that matches, was said since `listen`."""
    pattern = f"^{re.escape(text)}$" if isinstance(text, str) else text.pattern
    page.wait_for_function("(pattern) => heard.some((one) => new RegExp(pattern).test(one))", arg=pattern)
