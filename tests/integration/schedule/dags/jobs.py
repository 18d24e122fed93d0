"""Jobs that run each day at an hour that is far away; the tests move the next date in the database, so that none runs by itself."""

import os

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

JOB = """
params: {{site: {{type: string}}, go: {{type: string, default: /}}}}
plan: {{items: [1]}}
run: {{shell: 'while [ ! -e "$MCP_PARAM_GO" ]; do sleep 0.1; done'}}
schedule: {{{when}, conf: {{site: a}}{more}}}
"""
DAILY = f"cron: '0 {os.environ['MCP_TEST_HOUR']} * * *'"
JOBS = {
    "plain_conf": (DAILY, ", misfire_grace: 1h"),
    "jittered": (DAILY, ", jitter: 30m"),
    "latest": (DAILY, ""),
    "latest_in_time": (DAILY, ", misfire_grace: 10s"),
    "each": (DAILY, ", coalesce: false"),
    "each_in_time": (DAILY, ", coalesce: false, misfire_grace: 10s"),
    "late": (DAILY, ", misfire_grace: 3s"),
    "crowded": (DAILY, ""),
    "held": (DAILY, ""),
    "looks": (DAILY, ""),
    "damaged": (DAILY, ", jitter: 1s"),
    "wrong_conf": (DAILY, ""),
    "watched": ("watch: {python: 'inbox:pending'}", ""),
    "often": ("every: 2s", ""),
}

for name, (when, more) in JOBS.items():
    globals()[name] = build_dag(parse_job(JOB.format(when=when, more=more), id=name))
globals()["often"].is_paused_upon_creation = True
