"""Start a temporary Airflow on this host, and remove it completely at the end.

Runs in the shell (``airflow mcp demo``) and in the integration tests. It has the components of a real deployment: API
servers, schedulers and a DAG processor as separate processes, with Postgres or SQLite.

    with Embedded(dags=Path("dags")) as airflow:
        airflow.api.wait_for_dag("inventory")
        run_id = airflow.api.trigger("inventory", {"path": "/usr/share"})
        airflow.api.wait("inventory", run_id)
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from airflow_mcp_provider.client.airflow_rest import Api
from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.embedded.database import Database, Rows, Sqlite
from airflow_mcp_provider.embedded.postgres import Postgres
from airflow_mcp_provider.embedded.processes import Processes, Program, deadline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

HOST = "127.0.0.1"
USER = "admin"
START = 300.0  # seconds until the API server must respond; it needs 8 on two idle cores, and much longer on busy ones


@dataclass
class Embedded:
    """A temporary Airflow, as a context manager. Raises InstallationError when it cannot be started.

    :param home: AIRFLOW_HOME, which is kept; by default a temporary folder, which is removed at the end
    :param dags: the DAG folder or folders
    :param env: environment variables of all processes; they override ``settings.env``
    :param host: the address on which the API servers listen: loopback, or one that the pods of a test cluster can reach

    Scheduler n and its tasks use API server n (modulo their number).
    """

    home: Path | None = None
    dags: Path | Sequence[Path] = ()
    database: Literal["postgres", "sqlite"] = "postgres"
    schedulers: int = 1
    api_servers: int = 1
    parallelism: int = 8
    triggerer: bool = False
    host: str = HOST
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose folders, ports and secrets, without starting a process."""
        self._temporary = Path(tempfile.mkdtemp(prefix="airflow-mcp-"))
        self.folder = self.home.resolve() if self.home else self._temporary / "home"
        self.password = secrets.token_urlsafe(12)
        self.urls = tuple(f"http://{self.host}:{port}" for port in _free_ports(self.host, self.api_servers))
        self._database: Database = Postgres() if self.database == "postgres" else Sqlite(self.folder / "airflow.db")
        folders = [*self._database.folders, self._temporary]
        self.processes = Processes(self.folder, self.folder / "logs", folders)

    def __enter__(self) -> Self:
        """Start all processes; if one fails to start, stop the others."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all processes."""
        self.close()

    @property
    def url(self) -> str:
        """The URL of the first API server and of the UI."""
        return self.urls[0]

    @cached_property
    def api(self) -> Api:
        """The REST API of the first API server, with the user ``admin``."""
        return Api(self.url, USER, self.password)

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process (``scheduler-1`` …) and all its descendants, as in a failure of its host."""
        self.processes.kill(name)

    def start(self, name: str) -> None:
        """Restart a process that was killed; for an API server, wait until it responds."""
        self.processes.restart(name)
        if name.startswith("api-server-"):
            self._wait_for(self.urls[int(name.rpartition("-")[2]) - 1])

    def restart_database(self) -> None:
        """Restart the database server, as an upgrade does; a scheduler can fail because of it."""
        self._database.restart(self.processes)

    def sql(self, query: str, *arguments: object) -> Rows:
        """Execute one SQL statement in Airflow's database, with ``%s`` for each argument, and return its rows."""
        return self._database.query(query, arguments)

    def close(self) -> None:
        """Stop all processes and remove the temporary folders."""
        if "api" in self.__dict__:
            self.api.close()  # first, because a server that gets SIGTERM waits for its open connections
        self.processes.end()
        for folder in self.processes.folders:
            shutil.rmtree(folder, ignore_errors=True)  # already removed by the reaper, unless it was not started

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes.watch()
        self._write_home()
        self._database.start(self.processes, self.environment())
        for program in self._programs():
            self.processes.start(program)
        for url in self.urls:
            self._wait_for(url)

    def _write_home(self) -> None:
        # Otherwise several Airflow processes that start at the same time would each write this file.
        (self.folder / "airflow.cfg").write_text("# The settings of this Airflow are in its environment.\n")
        passwords = self.folder / "simple_auth_manager_passwords.json.generated"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({USER: self.password}))

    def _wait_for(self, url: str) -> None:
        wait = deadline(START, f"response of {url}", self.processes)
        api = Api(url, USER, self.password)
        while not api.alive():
            wait.pause()
        api.close()

    def _programs(self) -> list[Program]:
        ports = [url.rpartition(":")[2] for url in self.urls]
        servers = [
            self._program(f"api-server-{n + 1}", n, "--port", port, "--host", self.host) for n, port in enumerate(ports)
        ]
        # --skip-serve-logs: the log server has a fixed port, and the API server reads the same files.
        schedulers = [self._program(f"scheduler-{n + 1}", n, "--skip-serve-logs") for n in range(self.schedulers)]
        triggerers = [self._program("triggerer", 0, "--skip-serve-logs")] if self.triggerer else []
        return [*servers, self._program("dag-processor", 0), *schedulers, *triggerers]

    def _program(self, name: str, number: int, *arguments: str) -> Program:
        command = name.rstrip("-0123456789")
        return Program(name, [sys.executable, "-m", "airflow", command, *arguments], self.environment(number))

    def environment(self, number: int = 0) -> dict[str, str]:
        """Return the environment variables of a process that uses API server ``number`` (modulo their number)."""
        url = self.urls[number % len(self.urls)]
        own = {
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        }
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PYTHONDONT"))}
        return {**foreign, **recommended_settings.environment(), **self._common, **own, **self.env}

    @cached_property
    def _common(self) -> dict[str, str]:
        folders = [self.dags] if isinstance(self.dags, Path) else list(self.dags)
        return {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folders[0].resolve() if folders else self.folder / "dags"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__PARALLELISM": str(self.parallelism),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": _bundles(folders),
            "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",  # each process would check the new tables
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database.url,
            # Without it setproctitle overwrites the environment, from which ``reaper`` reads the mark of a process.
            "SPT_NOENV": "1",
            "TMPDIR": str(self._temporary),  # files of a killed task are removed with this folder
        }


def _bundles(folders: Sequence[Path]) -> str:
    """Return the DAG bundles as JSON: the first folder with Airflow's default name, the others with their own."""
    names = ["dags-folder", *(f"{folder.name}-{number}" for number, folder in enumerate(folders[1:], 2))]
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    paths = [{"path": str(folder.resolve())} for folder in folders] or [{}]
    return json.dumps([{"name": n, "classpath": local, "kwargs": k} for n, k in zip(names, paths, strict=True)])


def _free_ports(host: str, number: int) -> list[int]:
    """Return free ports of the operating system; all are opened at the same time, so that they differ."""
    sockets = [socket.create_server((host, 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
