"""What ``airflow mcp check`` looks for: facts about an installation in, findings with cures out.

Pure functions on frozen values, so that each finding can be tested without an installation that has its fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from airflow_mcp_provider.embedded.recommended_settings import Setting

from airflow_mcp_provider.cli.loaders import CURE
from airflow_mcp_provider.constants import AIRFLOW_VERSION, BACKEND

ENTRY_POINT = "airflow.plugins"
PACKAGE = "airflow_mcp_provider"
OTHERS = 30
"""Connections of a scheduler, a DAG processor and a triggerer together, and of people: seen 12, with room."""
HEARTBEATS = 200
"""A second, that cost one process of the API server less than a fifth of its time (docs/performance.md)."""


@dataclass(frozen=True)
class Finding:
    """One line of the check: ``cure`` says what to do when it is not ``ok``; without ``needed`` it is advice."""

    name: str
    ok: bool
    found: str
    cure: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Load:
    """What has to fit each other: connections, processes, runners; None is not known, or not bounded.

    ``connections`` is the most that one process opens, ``max_connections`` what the database allows to all;
    ``heartbeat`` are the seconds between two of a runner.
    """

    connections: int | None
    max_connections: int | None
    api_workers: int
    parallelism: int
    heartbeat: float


@dataclass(frozen=True)
class Namespaces:
    """Of this pod, which is one of Airflow's, and of the runners' pods."""

    own: str
    runners: str


@dataclass(frozen=True)
class Installation:
    """What was found in an installation; read by ``check.py``."""

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
    passed_over: Sequence[Path] = ()


def findings(installation: Installation, recommended: Iterable[Setting]) -> tuple[Finding, ...]:
    """Look at everything."""
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
        dag_files(installation.passed_over),
        *advice(installation.active, _fitting(installation.load, recommended)),
    )


def version(found: str) -> Finding:
    """Look at Airflow's version: growth stands on parts of it that are looked at for each minor version."""
    ok = tuple(int(part) for part in found.split(".")[:2]) == AIRFLOW_VERSION
    wanted = ".".join(map(str, AIRFLOW_VERSION))
    return Finding("Airflow", ok, found, f"install apache-airflow~={wanted}.2")


def plugin(loaded: Sequence[str], errors: Mapping[str, str]) -> Finding:
    """Look whether Airflow loads our plugin."""
    error = next((text for source, text in errors.items() if PACKAGE in source or source.startswith("mcp")), "")
    if error:
        return Finding("Plugin", ok=False, found=error, cure="the error says it; `airflow plugins` shows it, too")
    cure = f"install airflow-mcp-provider with pip in this environment: the entry point {ENTRY_POINT!r} registers it"
    return Finding("Plugin", "mcp" in loaded, "loaded" if "mcp" in loaded else "not registered", cure)


def backend(name: str, *, ours: bool) -> Finding:
    """Look at the backend that turns enqueued subtasks into task instances."""
    cure = (
        f"[state_store] backend = {BACKEND}, in the API server's settings (or make your own backend a subclass of it)"
    )
    return Finding("Growth: [state_store] backend", ours, name, cure)


def dag_files(passed_over: Sequence[Path]) -> Finding:
    """Look whether Airflow passes over a DAG file that loads jobs."""
    found = "Airflow passes over " + ", ".join(map(str, passed_over)) if passed_over else "all are read"
    return Finding("DAG files that load jobs", not passed_over, found, CURE)


def clear_on_success(*, active: bool) -> Finding:
    """Look whether a subtask's payload survives its success: a cleared subtask needs it again."""
    cure = "[state_store] clear_on_success = False: an API server without the plugin would remove payloads and outcomes"
    return Finding("[state_store] clear_on_success", not active, str(active), cure)


def worker_backend(name: str) -> Finding:
    """Look whether what a runner writes reaches the server."""
    cure = "[workers] state_store_backend = (empty): with it, the API server does not see what a runner enqueues"
    return Finding("[workers] state_store_backend", not name, name or "(empty)", cure)


def max_map_length(length: int) -> Finding:
    """Look at the limit that people raise for mapped tasks."""
    return Finding("[core] max_map_length", ok=True, found=f"{length}: it limits no job, nothing to change")


def database(kind: str) -> Finding:
    """Look at the database."""
    told = {
        "postgresql": "",
        "sqlite": "for trying out: no row locks, one scheduler; use Postgres for work",
        "mysql": "not tested with growth; use Postgres",
    }
    cure = told.get(kind, "unknown to growth; use Postgres")
    return Finding("Database", not cure, kind, cure, needed=False)


def connections(load: Load) -> Finding:
    """Look whether the database has connections for all processes: who gets none ends with an error."""
    if load.connections is None:
        return Finding("Connections", ok=True, found="no pool bounds them", needed=False)
    if load.max_connections is None:
        cure = "run this where a Postgres answers: its max_connections is compared with what Airflow may open"
        return Finding(
            "Connections", ok=False, found="the database did not tell how many it allows", cure=cure, needed=False
        )
    wanted = load.api_workers * load.connections + OTHERS
    found = (
        f"an API server with {load.api_workers} workers opens up to {wanted - OTHERS}, the other components {OTHERS}"
    )
    cure = (
        f"raise max_connections of the database (it is {load.max_connections}) to {wanted} and as many again for each "
        "further API server, or put pgbouncer before it, or lower [database] sql_alchemy_pool_size or [api] workers"
    )
    return Finding("Connections", wanted <= load.max_connections, found, cure, needed=False)


def heartbeats(load: Load) -> Finding:
    """Look whether the API server has time for more than heartbeats."""
    rate = load.parallelism / max(load.heartbeat, 0.001)
    most = HEARTBEATS * load.api_workers
    cure = (
        f"[workers] min_heartbeat_interval = {math.ceil(load.parallelism / most)} or more: one API server process "
        f"takes {HEARTBEATS} heartbeats a second beside its other work; or raise [api] workers"
    )
    found = f"up to {rate:.0f} a second from {load.parallelism} runners ([core] parallelism) of a scheduler"
    return Finding("Heartbeats", rate <= most, found, cure, needed=False)


def namespace(found: Namespaces | None) -> tuple[Finding, ...]:
    """Look whether runners are apart from Airflow's keys; nothing where there are no pods."""
    if found is None:
        return ()
    cure = (
        "[kubernetes_executor] namespace = one of their own, such as helm-values/runners.yaml: whoever may write a job "
        "can mount every Secret of the namespace that its pods are in, Airflow's keys and database included"
    )
    same = found.own == found.runners
    told = f"runners in {found.runners}, Airflow in {found.own}"
    return (Finding("Namespace of the runners", not same, told, cure, needed=False),)


def _fitting(load: Load, recommended: Iterable[Setting]) -> Iterable[Setting]:
    """Leave out the interval of heartbeats where so many runners need a longer one than ours."""
    many = load.parallelism > HEARTBEATS * load.api_workers
    return (one for one in recommended if not (many and one.option == ("workers", "min_heartbeat_interval")))


def advice(active: Mapping[tuple[str, str], str], recommended: Iterable[Setting]) -> tuple[Finding, ...]:
    """Compare with our settings; nothing breaks where they differ, it is slower."""
    return tuple(
        _advised(setting, active[setting.option])
        for setting in recommended
        if setting.option in active and not same(active[setting.option], setting.value)
    )


def _advised(setting: Setting, active: str) -> Finding:
    section, option = setting.option
    cure = f"{setting.value} is better for jobs: {setting.reason}"
    return Finding(f"[{section}] {option}", ok=False, found=active, cure=cure, needed=False)


def same(one: str, other: str) -> bool:
    """Compare settings as Airflow reads them: ``1`` is ``1.0``, ``True`` is ``true``."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one.strip().lower() == other.strip().lower()
