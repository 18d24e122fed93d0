"""The key that a payload has where nobody gives it one: to be read by people, and never that of another payload.

A text is its own key, another value its JSON. A text that could be taken for something else (JSON, a hash, a run of
another job) is quoted as JSON quotes it. A text made of several fields that could be made of others has a hash added.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.spec.template import fill, is_reversible, names

SHOWN_CHARS = 100
"""So long may a payload be that is shown, as it is, in the key of another job's run."""
_HASH = r"[0-9a-f]{16}"
_OF_PAYLOAD = re.compile(_HASH)
_OF_RUN = re.compile(rf"[A-Za-z0-9_.-]{{1,200}} (\{{.*\}}|{_HASH})", re.DOTALL)
_MARKED = re.compile(rf".* #{_HASH}", re.DOTALL)


def own_key(payload: Mapping[str, Any], text: str, key_field: str | None) -> str:
    """Return the key that the spec's ``subtasks.key`` makes; else a lone ``item``, else a hash.

    ``text`` is the payload's canonical JSON, ``payload`` what JSON reads in it. Raises InvalidPayload when the
    payload has not the fields that ``key_field`` names.
    """
    if key_field is not None:
        return _filled(payload, key_field) if "{" in key_field else _field(payload, key_field)
    item = payload.get("item")
    if len(payload) != 1 or not isinstance(item, str | int | float):
        return _hash(text)
    return _quoted(item) if isinstance(item, str) and _OF_PAYLOAD.fullmatch(item) else _shown(item)


def key_of_run(job: str, text: str) -> str:
    """Return the key of a run of another job, whose payloads have fields of their own: the job and the payload."""
    return f"{job} {text if len(text) <= SHOWN_CHARS else _hash(text)}"


def _hash(text: str) -> str:
    """A hash that is no number: a number's key is its digits."""
    found = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"a{found[1:]}" if found.isdecimal() else found


def _shown(value: object) -> str:
    """Return what stands for a value: a text as it is unless it could be taken for something else."""
    if not isinstance(value, str) or _is_json(value) or _OF_RUN.fullmatch(value):
        return _quoted(value)
    return value


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_json(text: str) -> bool:
    """Whether a value that may travel could have this text; nan could not."""
    try:
        json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


def _field(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str | int | float):
        raise InvalidPayload(
            f"subtasks.key names the field {name!r}, but the payload has {redaction.shown(value)} there; "
            f"its fields: {', '.join(sorted(payload))}; give it a string or a number, or pass key=…"
        )
    return _shown(value)


def _filled(payload: Mapping[str, Any], template: str) -> str:
    named = names(template)
    if missing := [name for name in named if name not in payload]:
        raise InvalidPayload(
            f"subtasks.key is {template!r}, but the payload has no {' and no '.join(missing)}; "
            f"its fields: {', '.join(sorted(payload))}"
        )
    shown = {name: _shown(payload[name]) for name in named}
    key = fill(template, shown)
    if is_reversible(template, shown) and not _OF_RUN.fullmatch(key) and not _MARKED.fullmatch(key):
        return key
    return f"{key} #{_hash(_quoted([payload[name] for name in named]))}"
