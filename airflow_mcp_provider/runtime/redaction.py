"""Mask the secrets that Airflow's secrets masker knows, in everything that people can read.

Airflow masks only its logs. Errors, results, progress, notes and keys are masked here: in the process of the work, in
the runner, and again before they are stored. A text is masked before it is truncated, because a truncated secret is not
recognized.

This module does not import Airflow. If Airflow is loaded, its two maskers (of the SDK and of the servers) are used; if
not, there are no connections and variables. Private API of Airflow used here: ``_secrets_masker().replacer``.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import reprlib
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
MASKERS = ("airflow.sdk._shared.secrets_masker", "airflow._shared.secrets_masker")
_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")
"""The form of a signed token (JWT), as runners and pods have them; they are not registered with any masker."""
KEY_CHARS = 1_980
"""Of a redacted key: it stays within ``size_limits.MAX_KEY_CHARS`` with its hash."""
_LINES, _LINE_CHARS = 1_000, 8
"""For a secret of several lines: each line of at least 8 characters is a secret, because a traceback may split it."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
_ALTERNATIVE = re.compile(r"(?:\\.|[^\\|])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
SHOWN_CHARS = 100_000
"""How much of a value is searched for secrets before it is truncated."""
_REPR = reprlib.Repr()
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = SHOWN_CHARS
_REPR.maxdict = _REPR.maxlist = _REPR.maxtuple = _REPR.maxset = 20


def text(plain: str) -> str:
    """Return ``plain`` with each secret replaced by ``***``."""
    return _masked(plain, _known())


def shown(value: object, chars: int = 80) -> str:
    """Return the ``repr`` of a value for an error message, masked and then truncated to ``chars``."""
    return text(_REPR.repr(value)[:SHOWN_CHARS])[:chars]


def key(plain: str) -> str:
    """Return a key with its secrets masked; a hash of the whole key keeps different keys different."""
    masked = text(plain)
    if masked == plain:
        return plain
    return f"{masked[:KEY_CHARS]} #{hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def value(plain: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value with each of its strings masked; different field names stay different."""
    whole = json.dumps(plain)
    clean = json_text(whole)
    return plain if clean is whole else json.loads(clean)


def json_text(plain: str) -> str:
    """Return JSON text with each of its strings masked."""
    if text(plain) == plain:
        return plain
    known = [one for one in _known() if one in plain or json.dumps(one)[1:-1] in plain]
    return _LITERAL.sub(lambda found: _literal(found, known), plain)


def _literal(found: re.Match[str], known: Iterable[str]) -> str:
    plain, colon = json.loads(found[1]), found[2] or ""
    masked = _masked(plain, known)
    if masked == plain:
        return found[0]
    return json.dumps(key(plain) if colon else masked) + colon


def _masked(plain: str, known: Iterable[str]) -> str:
    """Replace one secret after the other: much faster than a regular expression with hundreds of alternatives."""
    masked = plain
    for secret in known:
        if secret in masked:
            masked = masked.replace(secret, MASK)
    return _TOKEN.sub(MASK, masked) if "eyJ" in masked else masked


def _known() -> tuple[str, ...]:
    return _spelled(tuple(_alternatives()))


def _alternatives() -> Iterator[str]:
    """Yield each masker's regular expression: its secrets, escaped and separated by ``|``."""
    for name in MASKERS:
        masker = getattr(sys.modules.get(name), "_secrets_masker", None)
        if masker is not None and (replacer := masker().replacer) is not None:
            yield replacer.pattern


@lru_cache(maxsize=4)
def _spelled(alternatives: tuple[str, ...]) -> tuple[str, ...]:
    """Return all spellings of the secrets, the longest first: one secret may be a prefix of another."""
    secrets = {_ESCAPED.sub(r"\1", one) for each in alternatives for one in _ALTERNATIVE.findall(each)}
    spelled = {word for secret in secrets for word in _spellings(secret)}
    return tuple(sorted(spelled, key=len, reverse=True))


def _spellings(secret: str) -> set[str]:
    """Return the spellings of a secret: as it is, in JSON (also nested), in a repr, in a shell, in HTML, in a URL."""
    spelled = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    spelled |= {json.dumps(one)[1:-1] for one in spelled} | {repr(secret.encode("utf-8", "surrogatepass"))[2:-1]}
    spelled |= {secret.replace("\\", "\\\\").replace(quoted, f"\\{quoted}") for quoted in "'\""}
    spelled |= {
        ascii(secret)[1:-1],
        secret.replace("'", "'\"'\"'"),
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    spelled |= {line for line in map(str.strip, secret.splitlines()[:_LINES]) if len(line) >= _LINE_CHARS}
    if secret.isprintable():
        urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
        spelled |= urls | {_PERCENT.sub(lambda found: found[0].lower(), one) for one in urls}
    return spelled
