"""``airflow mcp check``: check this installation, with the configuration of this shell.

The result can differ from that on another host: run it with the configuration of the API server, for example in its
container.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import airflow
from airflow import plugins_manager
from airflow.configuration import conf
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.state import resolve_state_backend
from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.session import create_session
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from airflow_mcp_provider.cli import loaders
from airflow_mcp_provider.cli.findings import PACKAGE, Finding, Installation, Load, Namespaces, Watches, findings
from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.plugin.status.airflow_internals import triggerer_runs
from airflow_mcp_provider.plugin.status.watches import watched_jobs

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""The file with the namespace in each pod that has a service account token."""


@suppress_logs_and_warning
def main(args: Namespace) -> None:
    """Print the findings; exit with status 1 when one that is needed is not ok."""
    recommended = recommended_settings.load()
    found = findings(installation(recommended), recommended)
    if args.output == "json":
        print(json.dumps([asdict(finding) for finding in found], indent=2))  # noqa: T201 - the command's output
    else:
        show(found, Console())
    raise SystemExit(1 if any(finding.needed and not finding.ok for finding in found) else 0)


def installation(recommended: Iterable[recommended_settings.Setting]) -> Installation:
    """Return the facts about this installation.

    Loads the plugins first, because the plugin of this package sets ``[state_store] backend``.
    """
    plugins_manager.ensure_plugins_loaded()
    names = [info["name"] for info in plugins_manager.get_plugin_info()]
    found = loaders.loading(loaders.below(bundles()))
    return Installation(
        airflow=airflow.__version__,
        plugins=names,
        plugin_errors=plugins_manager.get_import_errors(),
        backend=conf.get("state_store", "backend"),
        backend_is_ours=any(kind.__module__.startswith(f"{PACKAGE}.") for kind in resolve_state_backend().__mro__),
        clear_on_success=conf.getboolean("state_store", "clear_on_success"),
        worker_backend=conf.get("workers", "state_store_backend", fallback="") or "",
        max_map_length=conf.getint("core", "max_map_length"),
        database=make_url(conf.get("database", "sql_alchemy_conn")).get_backend_name(),
        load=load(),
        active={setting.option: conf.get(*setting.option, fallback="") or "" for setting in recommended},
        namespaces=namespaces(),
        loading_files=len(found),
        ignored_files=loaders.ignored(found),
        watches=watches(),
    )


def bundles() -> list[Path]:
    """Return the folders of the DAG bundles that exist on this host."""
    manager = DagBundlesManager()  # type: ignore[no-untyped-call]
    return [bundle.path for bundle in manager.get_all_dag_bundles() if bundle.path.is_dir()]


def namespaces() -> Namespaces | None:
    """Return the namespaces of this pod and of the workers' pods; None outside Kubernetes."""
    if "Kubernetes" not in conf.get("core", "executor") or not ACCOUNT.exists():
        return None
    return Namespaces(ACCOUNT.read_text().strip(), conf.get("kubernetes_executor", "namespace", fallback="default"))


def load() -> Load:
    """Return the numbers of connections, processes and runners that the findings compare."""
    size, overflow = (conf.getint("database", f"sql_alchemy_{name}") for name in ("pool_size", "max_overflow"))
    bounded = conf.getboolean("database", "sql_alchemy_pool_enabled") and size > 0 and overflow >= 0
    return Load(
        connections=size + overflow if bounded else None,
        max_connections=max_connections(),
        api_workers=conf.getint("api", "workers"),
        parallelism=conf.getint("core", "parallelism"),
        heartbeat=conf.getfloat("workers", "min_heartbeat_interval"),
    )


def max_connections() -> int | None:
    """Return ``max_connections`` of Postgres; None for another database, or without a connection."""
    try:
        with create_session(scoped=False) as session:
            return int(session.execute(text("SHOW max_connections")).scalar_one())
    except (SQLAlchemyError, RuntimeError, ValueError):
        return None


def watches() -> Watches | None:
    """Return the jobs that need a triggerer, and whether one runs; None without a connection to the database."""
    try:
        with create_session(scoped=False) as session:
            jobs = watched_jobs(session)
            return Watches(jobs, triggerer_runs(session, datetime.now(UTC)) if jobs else False)
    except (SQLAlchemyError, RuntimeError):
        return None


def show(found: Sequence[Finding], console: Console) -> None:
    """Print what jobs need as a table, and then the advice as text: its reasons are too long for a column."""
    table = Table("", "Check", "Found", "Fix", box=box.SIMPLE)
    for finding in found:
        if finding.needed:
            fix = "" if finding.ok else finding.fix
            table.add_row(mark(finding), escape(finding.name), escape(finding.found), escape(fix))
    console.print(table)
    for finding in found:
        if not finding.needed:
            console.print(f"{mark(finding)} {escape(finding.name)}: {escape(finding.found)}")
            if not finding.ok:
                console.print(Padding(escape(finding.fix), (0, 0, 0, 7)), style="dim")


def mark(finding: Finding) -> str:
    """Return the status of a finding with the markup of its color."""
    if finding.ok:
        return "[green]ok[/]"
    return "[red]missing[/]" if finding.needed else "[yellow]advice[/]"
