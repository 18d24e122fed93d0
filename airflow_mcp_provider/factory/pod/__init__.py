"""From the spec's ``pod:`` to what Airflow's KubernetesExecutor takes.

The one place of the factory that knows Kubernetes: ``build`` and ``models`` are never loaded in a runner
(``kubernetes`` costs it 0.4 s); ``manifest`` is plain data.
"""
