"""A site for crawlers, served on loopback: cycles, dead links, redirects, a trap without end, slow and moody pages.

What a page holds follows from its number and the seed, so the site is the same for every crawler.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TRAP = "/trap/"
SLOW_S = 0.3


@dataclass
class Site:
    """``pages`` numbered pages, each reached from an earlier one; ``requests`` is what the server was asked."""

    pages: int
    seed: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, content type or location, and body."""
        if path == "/robots.txt":
            return 200, "text/plain", "User-agent: *\nDisallow: /private/\n"
        if path.startswith(TRAP):
            return 200, "text/html", f'<a href="{int(path.removeprefix(TRAP)) + 1}">next</a> <a href="/">home</a>'
        if path.startswith("/private/"):
            return 200, "text/html", "not for crawlers"
        number = self._number(path)
        if number is None:
            return 404, "text/html", '<a href="/page/never-followed">a page of an error</a>'
        return self._page(path, number)

    def _number(self, path: str) -> int | None:
        digits = "0" if path == "/" else path.removeprefix("/page/").partition("?")[0]
        return int(digits) if digits.isdecimal() and int(digits) < self.pages else None

    def _page(self, path: str, number: int) -> tuple[int, str, str]:
        if number % 17 == 5:
            time.sleep(SLOW_S)
        if number % 29 == 7 and self.requests[path] == 1:
            return 503, "text/html", "later"
        if number % 13 == 3:
            return 302, self._moved_to(number), ""
        if number % 19 == 4:
            return 200, "application/pdf", '<a href="/page/not-a-link">'
        links = "\n".join(f"<p><a class=x href='{link}'>{number}</a>" for link in self._links(number))
        return 200, "text/html; charset=utf-8", f"<!doctype html><title>Page {number}</title>{links}"

    def _moved_to(self, number: int) -> str:
        return ["http://elsewhere.invalid/", f"/page/{number}", f"/page/{(number * 7) % self.pages}"][number % 3]

    def _links(self, number: int) -> list[str]:
        some = random.Random(f"{self.seed} {number}")
        below = [child for child in range(number * 4 + 1, number * 4 + 5) if child < self.pages]
        near = [f"/page/{some.randrange(self.pages)}" for _ in range(3)]
        odd = ["mailto:a@b.c", "#top", "//elsewhere.invalid/x", "http://[broken", "javascript:void(0)", "/private/a"]
        same = [
            f"/page/{number}#part",
            f"./{number}",
            f"/page/../page/{number}",
            f"HTTP://{self.url[7:]}/page/{number}",
        ]
        return [*(f"/page/{child}" for child in below), *near, *odd, *same, f"/gone/{number % 23}", *self._rare(number)]

    def _rare(self, number: int) -> list[str]:
        return ["/trap/1"] if number == 0 else [f"/page/{number}?again=1"] if number % 31 == 8 else []


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        site = self.server.site
        path = self.path.removeprefix(site.url)  # it is whole where this server is the client's proxy
        with self.server.lock:
            site.requests[path] += 1
        status, kind, body = site.answer(path)
        self.send_response(status)
        self.send_header("Location" if status == 302 else "Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, site: Site, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.site = site
        self.lock = threading.Lock()


@contextmanager
def served(pages: int, seed: int = 0, host: str = "127.0.0.1", kind: type[Site] = Site) -> Iterator[Site]:
    """Serve a site while the context lasts."""
    site = kind(pages, seed)
    with _Server(site, host) as server:
        site.url = f"http://{host}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()
