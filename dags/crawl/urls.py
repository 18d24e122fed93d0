"""When two addresses are the same page, and whether a page belongs to the site.

The URL is a subtask's key: two spellings of one page would be two subtasks.
"""

from urllib.parse import urljoin, urlsplit, urlunsplit

LONGEST = 2000  # of a key
_PORTS = {"http": 80, "https": 443}


def normal(url: str, base: str = "") -> str | None:
    """Return ``url`` (as it stands in the page ``base``) in its one spelling; None: no web page can be there."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, a bracket without its pair
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in {None, _PORTS[parts.scheme]} else f"{shown}:{port}"
    return urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))


def same_site(url: str, start: str) -> bool:
    """Tell whether ``url`` lies on the host and port of ``start``; http and https at their own ports are one site."""
    return _site(url) == _site(start)


def _site(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, None if parts.port == _PORTS[parts.scheme] else parts.port
