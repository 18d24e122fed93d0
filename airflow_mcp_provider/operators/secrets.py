"""Register the runner's secrets with Airflow's secrets masker, before and while the work runs.

Airflow registers the secrets of a connection where it is fetched: in the process of the work and in its supervisor. The
runner is between the two and reports outcomes, so it reads these requests, too. An environment variable is a secret
because of its name (Airflow's own rule), because of the password in a URL, or because ``pod.secrets`` lists it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from airflow.sdk._shared.secrets_masker import _secrets_masker
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.comms import _RequestFrame
from airflow.sdk.log import mask_secret

CONNECTION = "AIRFLOW_CONN_"
SETTING = "AIRFLOW__"
HARMLESS = frozenset({"false", "none", "null"})
"""Values of variables that only look like a secret by name, such as TOKENIZERS_PARALLELISM; shorter values are never
masked."""
NOT_SECRET = frozenset({"no_proxy"})
MOST_FILES, MOST_BYTES = 100, 65_536
_HEADER = 4
_REGISTERED: set[str] = set()


def register(places: Iterable[str]) -> None:
    """Register the runner's secrets; ``places`` are the variables and the folders of ``pod.secrets``."""
    found = [*_environment(), *(value for place in places for value in _at(place))]
    new = {value for value in found if value not in _REGISTERED}
    _REGISTERED.update(new)
    if parts := [part for value in sorted(new) for part in _parts(value)]:
        mask_secret(parts)


def register_from(frame: bytes) -> None:
    """Register the secret in a ``MaskSecret`` request that the work sends to Airflow; ignore other requests."""
    if b"MaskSecret" not in frame:
        return
    with suppress(msgspec.MsgspecError):
        body = msgspec.msgpack.decode(frame[_HEADER:], type=_RequestFrame).body
        if body and body.get("type") == "MaskSecret":
            _learn(body.get("value"), body.get("name"))


def _learn(value: Any, name: str | None) -> None:  # noqa: ANN401 - any JSON
    _secrets_masker().add_mask(value, name)
    if isinstance(value, str) and (name is None or _is_sensitive(name)):
        _secrets_masker().add_mask([*_parts(value)])


def _environment() -> Iterator[str]:
    return (value for name, value in os.environ.items() if value and _is_secret(name, value))


def _is_secret(name: str, value: str) -> bool:
    if name.startswith(CONNECTION) or _password(value):
        return True
    if name.startswith(SETTING):
        section, _, key = name.removeprefix(SETTING).lower().partition("__")
        return (section, key) in conf.sensitive_config_values
    if name.lower() in NOT_SECRET or value.lower() in HARMLESS:
        return False
    return _is_sensitive(name) and not (value.startswith("/") and Path(value).exists())


def _is_sensitive(name: str) -> bool:
    """Return whether a name is sensitive by Airflow's rule for variables and connections."""
    return bool(_secrets_masker().should_hide_value_for_key(name))  # type: ignore[no-untyped-call]  # Airflow's


def _at(place: str) -> Iterator[str]:
    if not place.startswith("/"):
        yield os.environ.get(place, "")
        return
    with suppress(OSError):
        files = sorted(one for one in Path(place).iterdir() if not one.name.startswith("..") and one.is_file())
        for file in files[:MOST_FILES]:
            with file.open("rb") as opened:
                yield opened.read(MOST_BYTES).decode(errors="replace")


def _parts(value: str) -> Iterator[Any]:
    """Yield the secret and the parts of it that are secrets, too: lines, the password of a URL, fields of JSON."""
    yield value
    yield value.strip()
    yield from (line for line in map(str.strip, value.splitlines()) if line and not any(map(str.isspace, line)))
    if password := _password(value):
        yield from (password, unquote(password))
    yield from _fields(value)


def _password(value: str) -> str | None:
    if "://" not in value:
        return None
    try:
        return urlsplit(value.strip()).password
    except ValueError:
        return None


def _fields(value: str) -> Iterator[dict[str, Any]]:
    """Yield mappings, of which the masker uses the fields with sensitive names."""
    if "://" in value and "?" in value:
        fields: Any = dict(parse_qsl(value.partition("?")[2]))
    else:
        with suppress(ValueError, RecursionError):
            fields = json.loads(value) if value.lstrip().startswith("{") else None
    if isinstance(fields, dict):
        yield fields
        yield from (each for one in fields.values() if isinstance(one, str) for each in _fields(one))
