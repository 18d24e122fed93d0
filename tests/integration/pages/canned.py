"""Airflow's built UI in front of answers that a test gives: the pages run in it, and no Airflow does.

The UI, its theme, its router and its React are the installed ones; `plugins` is what our plugin registers. What Airflow's
own parts ask for has short answers or 404: they show their frame.
"""

from __future__ import annotations

import json
import mimetypes
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import airflow
from airflow.api_fastapi.core_api.datamodels.dag_run import DAGRunResponse
from airflow.api_fastapi.core_api.datamodels.dags import DAGDetailsResponse
from pydantic import BaseModel

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.plugin.pages import entries, files

DIST = Path(airflow.__file__).parent / "ui" / "dist"
MENUS = ["Dags", "Docs", "Assets", "Jobs", "XComs", "Plugins", "Providers", "Pools", "Variables", "Config"]
CONFIG = {
    "fallback_page_limit": 50,
    "auto_refresh_interval": 3,
    "hide_paused_dags_by_default": False,
    "instance_name": "Airflow",
    "enable_swagger_ui": False,
    "require_confirmation_dag_change": False,
    "default_wrap": False,
    "test_connection": "Disabled",
    "dashboard_alert": [],
    "show_external_log_redirect": False,
    "external_log_name": None,
    "theme": None,
    "multi_team": False,
}


@dataclass(frozen=True)
class Request:
    """What a page has asked for; `path` is below the prefix of our HTTP API, without a slash at its start."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    body: object = None


@dataclass(frozen=True)
class Answer:
    """A document, or with a status of 400 and more the problem that it is refused with."""

    document: object
    status: int = 200

    def content(self) -> bytes:
        return b"" if self.status == 204 else json.dumps(self.document).encode()


@dataclass(frozen=True)
class NotJson(Answer):
    """A page of a proxy, in the place of a document."""

    document: object = "<html>Log in</html>"

    def content(self) -> bytes:
        return str(self.document).encode()


def problem(status: int, word: str, detail: str) -> Answer:
    body = {"type": f"urn:airflow-mcp:{word}", "title": word.title(), "status": status, "detail": detail}
    return Answer(body, status)


class CannedUi(AbstractContextManager):
    """The server; `answers` are looked up by method and path, `asked` has all requests to our HTTP API."""

    def __init__(self, path: str = "") -> None:
        self.answers: dict[tuple[str, str], Callable[[Request], object] | object] = {}
        self.asked: list[Request] = []
        self.unknown: list[str] = []
        self._path = path
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ui": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        self.answers.clear()
        self.asked.clear()

    def get(self, path: str, answer: Callable[[Request], object] | object) -> None:
        self.answers["GET", path] = answer

    def post(self, path: str, answer: Callable[[Request], object] | object) -> None:
        self.answers["POST", path] = answer

    def asked_for(self, method: str, path: str) -> list[Request]:
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    def relative(self, path: str) -> str | None:
        """Without the path that Airflow is below; None for what is not below it."""
        return path.removeprefix(self._path) if path.startswith(f"{self._path}/") else None

    def index(self) -> bytes:
        text = (DIST / "index.html").read_text()
        return text.replace("{{ backend_server_base_url }}", f"{self._path}/").encode()

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        found = self.answers.get((request.method, request.path))
        if found is None:
            return problem(404, "not_found", f"{request.path} not found")
        given = found(request) if callable(found) else found
        return given if isinstance(given, Answer) else Answer(given, 204 if given is None else 200)


def of_airflow(path: str) -> object:
    """What Airflow's own parts of the UI ask for; None: not found."""
    if found := re.fullmatch(r"/api/v2/dags/([^/]+)(/details)?", path):
        return _dag(unquote(found[1]))
    if found := re.fullmatch(r"/api/v2/dags/([^/]+)/dagRuns/([^/]+)", path):
        return _dag_run(*map(unquote, found.groups()))
    if path.endswith("/latest_run"):
        return {}
    if path.startswith("/ui/grid/"):
        return []
    return {
        "/ui/config": CONFIG,
        "/ui/auth/me": {"id": "anna", "username": "anna"},
        "/ui/auth/menus": {"authorized_menu_items": MENUS, "extra_menu_items": []},
        "/api/v2/plugins": {"plugins": [_plugin()], "total_entries": 1},
        "/api/v2/importErrors": {"import_errors": [], "total_entries": 0},
        "/api/v2/version": {"version": "3.3.2", "git_version": None},
    }.get(path)


def _dag(dag_id: str) -> object:
    lists = {"tags": [], "owners": ["airflow"], "params": {}, "file_token": "x", "is_backfillable": False}
    return {**_empty(DAGDetailsResponse), **lists, "dag_id": dag_id, "dag_display_name": dag_id, "max_active_tasks": 16}


def _dag_run(dag_id: str, run_id: str) -> object:
    named = {"dag_id": dag_id, "dag_run_id": run_id, "dag_display_name": dag_id, "run_type": "manual"}
    times = dict.fromkeys(("run_after", "queued_at", "start_date"), "2026-01-01T00:00:00Z")
    return {**_empty(DAGRunResponse), **named, **times, "state": "running", "conf": {}, "dag_versions": []}


def _empty(model: type[BaseModel]) -> dict[str, object]:
    kinds = {bool: False, int: 0, str: ""}
    return {name: kinds.get(field.annotation) for name, field in model.model_fields.items()}


def _plugin() -> dict[str, object]:
    empty = (
        "macros",
        "flask_blueprints",
        "fastapi_apps",
        "fastapi_root_middlewares",
        "external_views",
        "appbuilder_views",
    )
    more = ("appbuilder_menu_items", "global_operator_extra_links", "operator_extra_links", "listeners", "timetables")
    return {"name": "mcp", "source": "", "react_apps": entries.react_apps(), **{name: [] for name in (*empty, *more)}}


class _Handler(BaseHTTPRequestHandler):
    ui: CannedUi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._handle("GET")

    def do_POST(self):
        self._handle("POST")

    def do_PATCH(self):
        self._handle("PATCH")

    def _handle(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        path = self.ui.relative(parts.path)
        if path is None:
            self._send(404, b"", "text/plain")
        elif path.startswith(f"{PREFIX}/pages/"):
            self._page(unquote(path.removeprefix(f"{PREFIX}/pages/")))
        elif path.startswith(f"{PREFIX}/"):
            query = parse_qs(parts.query, keep_blank_values=True)
            given = json.loads(body) if body else None
            answer = self.ui.answer(Request(method, unquote(path.removeprefix(f"{PREFIX}/")), query, given))
            kind = "application/problem+json" if answer.status >= 400 else "application/json"
            self._send(answer.status, answer.content(), kind)
        elif path.startswith("/static/"):
            self._static(DIST / unquote(path.removeprefix("/static/")))
        elif path.startswith(("/ui/", "/api/v2/")):
            self._airflow(path)
        else:
            self._send(200, self.ui.index(), "text/html")

    def _airflow(self, path):
        found = of_airflow(path)
        if found is None:
            self.ui.unknown.append(path)
        status, document = (404, {"detail": "Not found"}) if found is None else (200, found)
        self._send(status, json.dumps(document).encode(), "application/json")

    def _page(self, name):
        found = files.find(name)
        if found is None:
            self._send(404, b"", "text/plain")
        else:
            self._send(200, found.content, found.media_type)

    def _static(self, path):
        kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
        self._send(*((200, path.read_bytes()) if path.is_file() else (404, b"")), kind or "application/octet-stream")

    def _send(self, status, content, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
