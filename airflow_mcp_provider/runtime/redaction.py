"""Take out of what is told to people the secrets that Airflow's masker knows.

Airflow masks its logs alone. Errors, results, progress, notes and keys leave the work by ways of this package, and pass
here: in the work's process, in the runner, and once more where they are stored. A text is redacted before it is cut: of
a secret that is cut nobody knows that it is one.

Airflow is not imported. Where it is loaded, its two maskers (of the SDK, of the servers) are found; where it is not,
there is no connection and no variable. Touched of Airflow: ``_secrets_masker().replacer``.
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
"""The form of a signed token (JWT), as runners and pods have them; nobody tells a masker of those."""
KEY_CHARS = 1_980
"""Of a redacted key: it stays within ``size_limits.MAX_KEY_CHARS`` with its hash."""
_LINES, _LINE_CHARS = 1_000, 8
"""Of a secret of several lines, which a traceback may put in different places: lines as long as this are secrets."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
_ALTERNATIVE = re.compile(r"(?:\\.|[^\\|])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
SHOWN_CHARS = 100_000
"""So much of a value is looked through for secrets before it is cut: a long one may stand where it is cut."""
_REPR = reprlib.Repr()
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = SHOWN_CHARS
_REPR.maxdict = _REPR.maxlist = _REPR.maxtuple = _REPR.maxset = 20


def text(told: str) -> str:
    """Return ``told`` with each secret as ``***``."""
    return _masked(told, _known())


def shown(value: object, chars: int = 80) -> str:
    """Return a value as an error message shows it, redacted and then cut."""
    return text(_REPR.repr(value)[:SHOWN_CHARS])[:chars]


def key(told: str) -> str:
    """Return a key without its secrets; a hash of the whole key tells two of them apart."""
    plain = text(told)
    if plain == told:
        return told
    return f"{plain[:KEY_CHARS]} #{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def value(told: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with each of its texts redacted; names of fields stay different ones."""
    whole = json.dumps(told)
    clean = json_text(whole)
    return told if clean is whole else json.loads(clean)


def json_text(told: str) -> str:
    """Return the text of JSON with each of its texts redacted."""
    if text(told) == told:
        return told
    known = [one for one in _known() if one in told or json.dumps(one)[1:-1] in told]
    return _LITERAL.sub(lambda found: _literal(found, known), told)


def _literal(found: re.Match[str], known: Iterable[str]) -> str:
    told, colon = json.loads(found[1]), found[2] or ""
    plain = _masked(told, known)
    if plain == told:
        return found[0]
    return json.dumps(key(told) if colon else plain) + colon


def _masked(told: str, known: Iterable[str]) -> str:
    """Search for one after the other: much faster than Python's regular expressions are with hundreds of words."""
    for secret in known:
        if secret in told:
            told = told.replace(secret, MASK)
    return _TOKEN.sub(MASK, told) if "eyJ" in told else told


def _known() -> tuple[str, ...]:
    return _spelled(tuple(_alternatives()))


def _alternatives() -> Iterator[str]:
    """Give each masker's secrets as it has them: escaped, a ``|`` between two."""
    for name in MASKERS:
        masker = getattr(sys.modules.get(name), "_secrets_masker", None)
        if masker is not None and (replacer := masker().replacer) is not None:
            yield replacer.pattern


@lru_cache(maxsize=4)
def _spelled(alternatives: tuple[str, ...]) -> tuple[str, ...]:
    """Return all spellings, the longest first: one secret may be how another begins."""
    secrets = {_ESCAPED.sub(r"\1", one) for each in alternatives for one in _ALTERNATIVE.findall(each)}
    spelled = {word for secret in secrets for word in _spellings(secret)}
    return tuple(sorted(spelled, key=len, reverse=True))


def _spellings(secret: str) -> set[str]:
    """Return how a secret stands in texts: as it is, in JSON (also in a text of JSON), in a repr, in a URL."""
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
