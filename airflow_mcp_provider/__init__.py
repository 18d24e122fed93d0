"""A job control plane on plain Apache Airflow.

Nothing is imported here: the plugin manager loads this package while ``airflow.sdk`` is still half imported,
and an import of it at this place ends every ``airflow`` command with a circular import.
"""
