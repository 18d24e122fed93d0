"""One request: what a page is, and where it leads.

A redirect is a page whose only link is its target, so that the target is visited once, and not at all on another
host. What another try may cure (a server's error, ``Too Many Requests``, no connection) is raised.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from .urls import normal

LARGEST = 5_000_000  # bytes that are read of a page
PATIENCE = httpx.Timeout(20)
_BUSY = 429
_ERRORS = 500


class ServerFailed(Exception):
    """The server had no answer now; it may have one later."""


@dataclass(frozen=True)
class Page:
    """A page as it was answered: ``links`` are normal addresses, each once, in the order of the text."""

    status: int
    kind: str
    size: int
    seconds: float
    title: str = ""
    links: tuple[str, ...] = ()


@dataclass
class _Reader(HTMLParser):
    """Collects what a page links to, and its title."""

    base: str
    hrefs: list[str] = field(default_factory=list)
    title: str = ""
    _in_title: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        self._in_title = tag == "title" and not self.title
        if tag in {"a", "area"} and href:
            self.hrefs.append(href)
        elif tag == "base" and href:
            self.base = normal(href, self.base) or self.base

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = self._in_title and tag != "title"


def fetch(url: str, agent: str) -> Page:
    """Ask for ``url``. Raises ServerFailed, httpx.TransportError."""
    with httpx.stream("GET", url, headers={"User-Agent": agent}, timeout=PATIENCE) as answer:
        if answer.status_code == _BUSY or answer.status_code >= _ERRORS:
            raise ServerFailed(f"{url}: {answer.status_code} {answer.reason_phrase}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        text = b"" if answer.is_redirect else _body(answer)
    seen = {
        "status": answer.status_code,
        "kind": kind,
        "size": len(text),
        "seconds": round(answer.elapsed.total_seconds(), 3),
    }
    if answer.is_redirect:
        return Page(**seen, links=tuple(_normal([answer.headers["location"]], url)))
    if kind != "text/html" or answer.is_error:
        return Page(**seen)
    reader = _Reader(url)
    reader.feed(text.decode(answer.encoding or "utf-8", "replace"))
    return Page(**seen, title=" ".join(reader.title.split())[:200], links=tuple(_normal(reader.hrefs, reader.base)))


def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > LARGEST:
            break
    return bytes(body[:LARGEST])


def _normal(hrefs: list[str], base: str) -> Iterator[str]:
    yield from dict.fromkeys(url for href in hrefs if (url := normal(href, base)))
