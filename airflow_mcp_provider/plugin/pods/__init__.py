"""The pods of jobs: dressed when Airflow makes them, watched while they live, swept away when their task is over.

Runs in the scheduler, beside a KubernetesExecutor. The only part of the plugin that knows Kubernetes.
"""
