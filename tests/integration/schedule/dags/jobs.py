"""Jobs that run each day at midnight; the tests move the next date in the database, so that none runs by itself."""

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

JOB = """
params: {{site: {{type: string}}, seconds: {{type: number, default: 0}}}}
plan: {{items: [1]}}
run: {{command: [sleep, "{{seconds}}"]}}
schedule: {{{when}, conf: {{site: a}}{more}}}
"""
DAILY = "cron: '0 0 * * *'"
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
    "damaged": (DAILY, ", jitter: 1s"),
    "wrong_conf": (DAILY, ""),
    "watched": ("watch: {python: 'inbox:pending'}", ""),
    "often": ("every: 2s", ""),
}

for name, (when, more) in JOBS.items():
    globals()[name] = build_dag(parse_job(JOB.format(when=when, more=more), id=name))
