"""The checks of ``airflow mcp check``: from facts about an installation to findings with their fixes.

Pure functions on frozen values, so that each check can be tested without such an installation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from airflow_mcp_provider.embedded.recommended_settings import Setting

from airflow_mcp_provider.cli.loaders import FIX
from airflow_mcp_provider.constants import AIRFLOW_VERSION, BACKEND

ENTRY_POINT = "airflow.plugins"
PACKAGE = "airflow_mcp_provider"
OTHERS = 30
"""Connections of a scheduler, a DAG processor, a triggerer and interactive users together; measured: 12."""
HEARTBEATS = 200
"""Heartbeats per second that use less than a fifth of one API server process (docs/performance.md)."""

MOST_NAMES = 5


@dataclass(frozen=True)
class Finding:
    """The result of one check: ``fix`` describes what to do when it is not ``ok``; it is advice if not ``needed``."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Load:
    """The numbers of connections, processes and runners; None if unknown or unlimited.

    ``connections`` is the maximum of one process, ``max_connections`` that of the database. ``heartbeat`` is the
    interval of a runner's heartbeats in seconds.
    """

    connections: int | None
    max_connections: int | None
    api_workers: int
    parallelism: int
    heartbeat: float


@dataclass(frozen=True)
class Namespaces:
    """The namespaces of this pod, which belongs to Airflow (``own``), and of the workers' pods (``runners``)."""

    own: str
    runners: str


@dataclass(frozen=True)
class Watches:
    """The jobs with ``schedule.watch`` that are not paused, and whether a triggerer runs, which checks for work."""

    jobs: Sequence[str]
    triggerer: bool


@dataclass(frozen=True)
class Installation:
    """The facts about an installation; ``check.py`` collects them."""

    airflow: str
    plugins: Sequence[str]
    plugin_errors: Mapping[str, str]
    backend: str
    backend_is_ours: bool
    clear_on_success: bool
    worker_backend: str
    max_map_length: int
    database: str
    load: Load
    active: Mapping[tuple[str, str], str]
    namespaces: Namespaces | None = None
    loading_files: int = 0
    ignored_files: Sequence[Path] = ()
    watches: Watches | None = None


def findings(installation: Installation, recommended: Iterable[Setting]) -> tuple[Finding, ...]:
    """Return the results of all checks."""
    return (
        version(installation.airflow),
        plugin(installation.plugins, installation.plugin_errors),
        backend(installation.backend, ours=installation.backend_is_ours),
        clear_on_success(active=installation.clear_on_success),
        worker_backend(installation.worker_backend),
        max_map_length(installation.max_map_length),
        database(installation.database),
        connections(installation.load),
        heartbeats(installation.load),
        *namespace(installation.namespaces),
        *triggerer(installation.watches),
        dag_files(installation.loading_files, installation.ignored_files),
        *advice(installation.active, _fitting(installation.load, recommended)),
    )


def version(found: str) -> Finding:
    """Check the version of Airflow: this package depends on internals that can change with each minor version."""
    ok = tuple(int(part) for part in found.split(".")[:2]) == AIRFLOW_VERSION
    wanted = ".".join(map(str, AIRFLOW_VERSION))
    return Finding("Airflow", ok, found, f"install apache-airflow~={wanted}.2")


def plugin(loaded: Sequence[str], errors: Mapping[str, str]) -> Finding:
    """Check that Airflow loads the plugin of this package."""
    error = next((text for source, text in errors.items() if PACKAGE in source or source.startswith("mcp")), "")
    if error:
        return Finding("Plugin", ok=False, found=error, fix="fix the error; `airflow plugins` shows it too")
    fix = f"install airflow-mcp-provider in this environment; its entry point {ENTRY_POINT!r} registers the plugin"
    return Finding("Plugin", "mcp" in loaded, "loaded" if "mcp" in loaded else "not registered", fix)


def backend(name: str, *, ours: bool) -> Finding:
    """Check the task state store backend, which turns enqueued subtasks into task instances."""
    fix = f"set [state_store] backend = {BACKEND} for the API server (or make your own backend a subclass of it)"
    return Finding("[state_store] backend", ours, name, fix)


def dag_files(loading: int, ignored: Sequence[Path]) -> Finding:
    """Check that Airflow does not ignore a DAG file that loads jobs."""
    found = "ignored by Airflow: " + ", ".join(map(str, ignored)) if ignored else f"{loading}, none is ignored"
    return Finding("DAG files that load jobs", not ignored, found, FIX)


def clear_on_success(*, active: bool) -> Finding:
    """Check that the payload of a successful subtask is kept: the subtask needs it when it is cleared."""
    fix = (
        "set [state_store] clear_on_success = False; otherwise an API server without the plugin deletes payloads and "
        "outcomes"
    )
    return Finding("[state_store] clear_on_success", not active, str(active), fix)


def worker_backend(name: str) -> Finding:
    """Check that a runner writes its state to the API server."""
    fix = "leave [workers] state_store_backend empty; otherwise the API server does not receive what a runner enqueues"
    return Finding("[workers] state_store_backend", not name, name or "(empty)", fix)


def max_map_length(length: int) -> Finding:
    """Report ``[core] max_map_length``, which does not limit jobs."""
    return Finding("[core] max_map_length", ok=True, found=f"{length} (does not limit jobs, no change needed)")


def database(kind: str) -> Finding:
    """Check the kind of the database."""
    fixes = {
        "postgresql": "",
        "sqlite": "use Postgres in production; SQLite has no row locks and allows only one scheduler",
        "mysql": "use Postgres; MySQL is not tested",
    }
    fix = fixes.get(kind, "use Postgres; this database is not supported")
    return Finding("Database", not fix, kind, fix, needed=False)


def connections(load: Load) -> Finding:
    """Check that the database allows the connections of all processes: a process without a connection fails."""
    if load.connections is None:
        return Finding("Connections", ok=True, found="not limited by a connection pool", needed=False)
    if load.max_connections is None:
        fix = "run this command with access to Postgres, to compare its max_connections with the connections of Airflow"
        return Finding("Connections", ok=False, found="max_connections of the database unknown", fix=fix, needed=False)
    wanted = load.api_workers * load.connections + OTHERS
    found = (
        f"an API server with {load.api_workers} workers opens up to {wanted - OTHERS}, the other components {OTHERS}"
    )
    fix = (
        f"raise max_connections of the database (now {load.max_connections}) to {wanted}, plus {wanted - OTHERS} for "
        "each additional API server; or use PgBouncer; or lower [database] sql_alchemy_pool_size or [api] workers"
    )
    return Finding("Connections", wanted <= load.max_connections, found, fix, needed=False)


def heartbeats(load: Load) -> Finding:
    """Check that heartbeats leave the API server enough time for other requests."""
    rate = load.parallelism / max(load.heartbeat, 0.001)
    most = HEARTBEATS * load.api_workers
    fix = (
        f"set [workers] min_heartbeat_interval = {math.ceil(load.parallelism / most)} or more, or raise [api] workers; "
        f"one API server process handles {HEARTBEATS} heartbeats per second in addition to other requests"
    )
    found = f"up to {rate:.0f} per second from {load.parallelism} runners ([core] parallelism) of a scheduler"
    return Finding("Heartbeats", rate <= most, found, fix, needed=False)


def namespace(found: Namespaces | None) -> tuple[Finding, ...]:
    """Check that the workers' pods and Airflow's Secrets are in different namespaces; empty outside Kubernetes."""
    if found is None:
        return ()
    fix = (
        "set [kubernetes_executor] namespace to a separate namespace, as in helm-values/runners.yaml; the author of a "
        "job can mount every Secret of the namespace of its pods, including Airflow's keys and the database password"
    )
    same = found.own == found.runners
    namespaces = f"runners in {found.runners}, Airflow in {found.own}"
    return (Finding("Namespace of the runners", not same, namespaces, fix, needed=False),)


def triggerer(found: Watches | None) -> tuple[Finding, ...]:
    """Check that a triggerer runs where jobs need it; empty without such jobs, or without access to the database."""
    if found is None or not found.jobs:
        return ()
    names = ", ".join(found.jobs[:MOST_NAMES]) + (" …" if len(found.jobs) > MOST_NAMES else "")
    fix = "start `airflow triggerer`; until then the runs of jobs with schedule.watch are not created"
    number = f"{len(found.jobs)} {'job has' if len(found.jobs) == 1 else 'jobs have'} schedule.watch: {names}"
    return (Finding("Triggerer", found.triggerer, number if found.triggerer else f"none is running; {number}", fix),)


def _fitting(load: Load, recommended: Iterable[Setting]) -> Iterable[Setting]:
    """Return the recommended settings, without the heartbeat interval when there are too many runners for it."""
    many = load.parallelism > HEARTBEATS * load.api_workers
    return (one for one in recommended if not (many and one.option == ("workers", "min_heartbeat_interval")))


def advice(active: Mapping[tuple[str, str], str], recommended: Iterable[Setting]) -> tuple[Finding, ...]:
    """Return the settings that differ from the recommended ones; a difference only makes jobs slower."""
    return tuple(
        _advised(setting, active[setting.option])
        for setting in recommended
        if setting.option in active and not same(active[setting.option], setting.value)
    )


def _advised(setting: Setting, active: str) -> Finding:
    section, option = setting.option
    fix = f"{setting.value} is recommended for jobs: {setting.reason}"
    return Finding(f"[{section}] {option}", ok=False, found=active, fix=fix, needed=False)


def same(one: str, other: str) -> bool:
    """Whether two values of a setting are equal for Airflow: ``1`` and ``1.0``, ``True`` and ``true``."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one.strip().lower() == other.strip().lower()
