"""A DAG that is no job."""

from airflow.sdk import DAG
from airflow.sdk.bases.operator import BaseOperator


class Nothing(BaseOperator):
    def execute(self, context):
        pass


with DAG("plain", schedule=None, tags=["mcp"]):
    Nothing(task_id="nothing")
