"""A job for each kind of schedule, as DAGs that are paused until somebody unpauses them."""

from importlib.util import find_spec
from pathlib import Path

from airflow_mcp_provider.factory import load_dags

here = Path(__file__).parent / "schedules"
dags = load_dags(here / "jobs")
# Where apache-airflow-providers-common-messaging is installed: watch.queue needs it.
if find_spec("airflow.providers.common") and find_spec("airflow.providers.common.messaging"):
    dags |= load_dags(here / "queue")
for dag in dags.values():
    dag.is_paused_upon_creation = True
globals().update(dags)
