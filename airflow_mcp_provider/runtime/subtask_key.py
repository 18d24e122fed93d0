"""The default key of a payload: readable for people, and different for different payloads.

A string is its own key; the key of another value is its JSON. A string that could be mistaken for something else (JSON,
a hash, a run of another job) is quoted as in JSON. If other fields could result in the same text, a hash is appended.
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
"""The longest payload that is part of the key of another job's run; a longer one is replaced by its hash."""
_HASH = r"[0-9a-f]{16}"
_OF_PAYLOAD = re.compile(_HASH)
_OF_RUN = re.compile(rf"[A-Za-z0-9_.-]{{1,200}} (\{{.*\}}|{_HASH})", re.DOTALL)
_MARKED = re.compile(rf".* #{_HASH}", re.DOTALL)


def own_key(payload: Mapping[str, Any], text: str, key_field: str | None) -> str:
    """Return the key that the spec's ``subtasks.key`` defines; else the only field ``item``, else a hash.

    ``text`` is the payload's canonical JSON, ``payload`` the value of that JSON. Raises InvalidPayload when the
    payload does not have the fields that ``key_field`` names.
    """
    if key_field is not None:
        return _filled(payload, key_field) if "{" in key_field else _field(payload, key_field)
    item = payload.get("item")
    if len(payload) != 1 or not isinstance(item, str | int | float):
        return _hash(text)
    return _quoted(item) if isinstance(item, str) and _OF_PAYLOAD.fullmatch(item) else _shown(item)


def key_of_run(job: str, text: str) -> str:
    """Return the key of a run of another job: the id of the job and the payload."""
    return f"{job} {text if len(text) <= SHOWN_CHARS else _hash(text)}"


def _hash(text: str) -> str:
    """Return a hash that is never a number, because the key of a number is its digits."""
    found = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"a{found[1:]}" if found.isdecimal() else found


def _shown(value: object) -> str:
    """Return the text of a value: a string as it is, unless it could be mistaken for something else."""
    if not isinstance(value, str) or _is_json(value) or _OF_RUN.fullmatch(value):
        return _quoted(value)
    return value


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_json(text: str) -> bool:
    """Return whether the text is valid JSON, without NaN and Infinity."""
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
            f"invalid value {redaction.shown(value)} of the field {name!r}, which subtasks.key names; expected a "
            f"string or a number, or an explicit key=…; fields of the payload: {', '.join(sorted(payload))}"
        )
    return _shown(value)


def _filled(payload: Mapping[str, Any], template: str) -> str:
    named = names(template)
    if missing := [name for name in named if name not in payload]:
        raise InvalidPayload(
            f"missing field {', '.join(missing)} in the payload, for subtasks.key {template!r}; "
            f"fields of the payload: {', '.join(sorted(payload))}"
        )
    shown = {name: _shown(payload[name]) for name in named}
    key = fill(template, shown)
    if is_reversible(template, shown) and not _OF_RUN.fullmatch(key) and not _MARKED.fullmatch(key):
        return key
    return f"{key} #{_hash(_quoted([payload[name] for name in named]))}"
