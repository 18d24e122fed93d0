"""A DAG that is no job."""

from airflow.sdk import DAG

plain = DAG("plain", schedule=None)
