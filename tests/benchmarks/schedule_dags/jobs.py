"""``SCHEDULED`` jobs with a cron; ``plain.py`` beside it has as many plain DAGs with the same one."""

import os

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

SPEC = """
params: {site: {type: string}}
plan: {items: [1]}
run: {shell: 'true'}
schedule: {cron: "*/5 * * * *", conf: {site: a}, jitter: 1s, misfire_grace: 1h}
"""

for number in range(int(os.environ["SCHEDULED"])):
    globals()[f"job_{number}"] = build_dag(parse_job(SPEC, id=f"job_{number}"))
