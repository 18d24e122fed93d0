"""Convert the spec's ``pod`` into the ``pod_override`` of Airflow's KubernetesExecutor.

``build`` and ``models`` import ``kubernetes`` and are never loaded in a runner, because that import takes 0.4 s;
``manifest`` is plain data.
"""
