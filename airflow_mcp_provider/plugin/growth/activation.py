"""Switch growth on at the start of a server: the right Airflow, our state store backend."""

from __future__ import annotations

import airflow
from airflow.configuration import conf

from airflow_mcp_provider.constants import AIRFLOW_VERSION, BACKEND
from airflow_mcp_provider.errors import InstallationError

DEFAULT_BACKEND = "airflow.state.metastore.MetastoreBackend"


def activate() -> None:
    """Set ``[state_store] backend`` when it is Airflow's default; it is resolved at its first use, after this.

    Raises InstallationError for an unknown Airflow.
    """
    check_version(airflow.__version__)
    if conf.get("state_store", "backend") == DEFAULT_BACKEND:
        conf.set("state_store", "backend", BACKEND)


def check_version(version: str) -> None:
    """Refuse an Airflow whose private parts were not looked at; raises InstallationError."""
    if tuple(int(part) for part in version.split(".")[:2]) != AIRFLOW_VERSION:
        wanted = ".".join(map(str, AIRFLOW_VERSION))
        raise InstallationError(
            f"airflow-mcp-provider works with Airflow {wanted}.*, this is {version}: "
            f"install apache-airflow~={wanted}.2, or a version of airflow-mcp-provider made for it"
        )
