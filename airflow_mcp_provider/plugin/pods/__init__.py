"""The pods of jobs: defaults when Airflow creates them, a watch while they exist, and cleanup after their task.

Runs in the scheduler with a KubernetesExecutor. The only package of the plugin that uses Kubernetes.
"""
