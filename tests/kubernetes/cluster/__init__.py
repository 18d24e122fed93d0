"""A real Kubernetes for the tests: ``Cluster`` starts one here."""

from tests.kubernetes.cluster.cluster import Cluster
from tests.kubernetes.cluster.unavailable import Unavailable

__all__ = ["Cluster", "Unavailable"]
