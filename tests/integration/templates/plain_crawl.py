"""The independent computation: a plain breadth-first crawl with nothing but the standard library and a regex."""

import re
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

HREF = re.compile(r"href='([^']*)'|href=\"([^\"]*)\"")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


@dataclass
class Crawled:
    """Status, content type's bytes and distance of each page, and what each links to on the site."""

    statuses: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    distances: dict[str, int] = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)


def crawl(start: str, depth: int) -> Crawled:
    found = Crawled(distances={start: 0})
    waiting = deque([start])
    while waiting:
        url = waiting.popleft()
        status, kind, location, body = _get(url)
        found.statuses[url], found.sizes[url] = status, 0 if location else len(body)
        hrefs = [location] if location else _hrefs(body) if status == 200 and kind.startswith("text/html") else []
        found.links[url] = sorted({target for href in hrefs if (target := _target(url, href, start))})
        for target in found.links[url]:
            if found.distances[url] < depth and "/private/" not in target and target not in found.distances:
                found.distances[target] = found.distances[url] + 1
                waiting.append(target)
    return found


def _get(url):
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(url) as answer:
            return answer.status, answer.headers["Content-Type"], None, answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 503:
            time.sleep(0.05)
            return _get(url)
        return error.code, error.headers["Content-Type"] or "", error.headers["Location"], error.read().decode()


def _hrefs(body):
    return [single or double for single, double in HREF.findall(body)]


def _target(url, href, start):
    if "[" in href:
        return None
    target = urljoin(url, href).partition("#")[0]
    target = target.replace("HTTP://", "http://")
    return target if urlsplit(target).netloc == urlsplit(start).netloc else None
