"""A real Kubernetes for the tests: ``Cluster`` starts one here, ``Given`` is one that the environment tells of."""

from tests.kubernetes.cluster.cluster import Cluster, prepare
from tests.kubernetes.cluster.given import Given
from tests.kubernetes.cluster.unavailable import Unavailable

__all__ = ["Cluster", "Given", "Unavailable", "prepare"]
