"""Which API server a command talks to, and as whom: the conventions of ``airflowctl``.

Source: apache-airflow-ctl 0.1.5, its documentation and its module ``airflowctl.api.client``. ``airflowctl auth login``
writes the URL into ``<environment>.json`` and the token into the keyring; older versions have another folder for the
file and another name in the keyring.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from airflow_mcp_provider.errors import InvalidRequest

DEFAULT_URL = "http://localhost:8080"
"""As airflowctl's."""
URL = "MCP_JOBS_URL"
PASSWORD = "MCP_JOBS_PASSWORD"  # noqa: S105 - the name of a variable
ENVIRONMENT = "production"
KEYRING = "airflowctl"


@dataclass(frozen=True)
class Server:
    """An API server and the credentials for it."""

    url: str
    token: str | None = None
    user: str | None = None
    password: str | None = None


def find(args: Namespace, environ: Mapping[str, str], default_url: str | None = None) -> Server:
    """Return the server of a command: its arguments, then the environment, then what airflowctl has stored."""
    name = _environment(args, environ)
    given = args.url or environ.get(URL)
    url = given or _stored_url(name, environ) or default_url or DEFAULT_URL
    if args.user:
        return Server(url, user=args.user, password=_password(args.user, url, environ))
    return Server(url, args.token or environ.get("AIRFLOW_CLI_TOKEN") or _token(given, name, environ))


def _environment(args: Namespace, environ: Mapping[str, str]) -> str:
    name = args.env or environ.get("AIRFLOW_CLI_ENVIRONMENT") or ENVIRONMENT
    if "/" in name or "\\" in name or ".." in name:
        raise InvalidRequest(
            f"invalid environment {name!r}; expected a name without / and ..", url="--env", next_step="change the name"
        )
    return str(name)


def _stored_url(name: str, environ: Mapping[str, str]) -> str | None:
    for file in _files(name, environ):
        if file.is_file():
            return _url(file)
    return None


def _url(file: Path) -> str | None:
    try:
        return str(json.loads(file.read_text())["api_url"])
    except (ValueError, KeyError, TypeError) as error:
        step = "run airflowctl auth login again, or use --url"
        raise InvalidRequest(f"invalid file {file}: {error!r}", url=str(file), next_step=step) from error


def _files(name: str, environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path(environ.get("AIRFLOW_HOME") or "~/airflow").expanduser() / f"{name}.json"
    from platformdirs import user_config_path  # noqa: PLC0415 - only where the newer file is missing

    yield user_config_path("airflow", "Apache Software Foundation") / f"{name}.json"


def _token(given: str | None, name: str, environ: Mapping[str, str]) -> str | None:
    """Return the stored token; None for another server than the one that it is of."""
    return _stored_token(name) if not given or given == _stored_url(name, environ) else None


def _stored_token(name: str) -> str | None:
    """Return the token of the keyring; None without a keyring, which is optional."""
    if find_spec("keyring") is None:
        return None
    keyring = import_module("keyring")
    for entry in (f"api_token_{name}", f"api_token-{name}"):
        try:
            token = keyring.get_password(KEYRING, entry)
        except Exception as error:  # noqa: BLE001 - a locked or missing backend raises what it likes
            print(f"keyring: {error}", file=sys.stderr)  # noqa: T201 - the request goes on without a token
            return None
        if token:
            return str(token)
    return None


def _password(user: str, url: str, environ: Mapping[str, str]) -> str:
    if (given := environ.get(PASSWORD)) is not None:
        return given
    if sys.stdin.isatty():
        return getpass.getpass(f"password of {user} at {url}: ")
    return sys.stdin.readline().rstrip(os.linesep)
