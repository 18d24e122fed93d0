"""From the spec's ``pod:`` to what Airflow's KubernetesExecutor takes.

The one place of the factory that knows Kubernetes; never loaded in a runner (``kubernetes`` costs it 0.4 s).
"""

from airflow_mcp_provider.factory.pod.build import problems, v1_pod

__all__ = ["problems", "v1_pod"]
