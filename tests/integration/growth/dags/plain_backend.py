"""A state store backend of the user's own, which knows nothing of subtasks."""

from airflow.state.metastore import MetastoreBackend


class PlainBackend(MetastoreBackend):
    """Stores what it is given."""
