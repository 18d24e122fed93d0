from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow.sdk import TriggerRule
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import JobSpec, parse_job
from airflow_mcp_provider.spec.marker import Marker

TEXT = """
description: |
  Walk a site.
  And measure it.
owner: web
tags: [crawl]
params:
  url: {type: string, format: uri, title: Start page, description: Where to begin}
  deep: {type: boolean, default: false}
plan: {python: "crawl:plan"}
run: {command: [visit, "--token=secret", "{url}"]}
report: {python: "crawl:summary"}
subtasks: {key: url, parallelism: 40, tolerate: 5%}
retries: {attempts: 4, delay: 10s, backoff: 3, max_delay: 2m, never_on: [ValueError]}
timeouts: {soft: 9m, hard: 10m, run: 1h, queue: 30m}
queue: {priority: 7}
"""


@pytest.fixture
def dag():
    return build_dag(parse_job(TEXT, id="crawl_site", source="crawl_site.yaml"))


def serialized(spec: JobSpec) -> str:
    return json.dumps(DagSerialization.to_dict(build_dag(spec)), sort_keys=True)


def test_plan_run_report(dag):
    assert [(task.task_id, sorted(task.downstream_task_ids)) for task in dag.tasks] == [
        ("plan", ["run"]),
        ("run", ["report"]),
        ("report", []),
    ]
    assert dag.task_dict["run"].is_mapped
    assert dag.task_dict["report"].trigger_rule == "all_done"


def test_the_spec_reaches_the_dag(dag):
    assert (dag.dag_id, dag.description, dag.schedule, dag.catchup) == ("crawl_site", "Walk a site.", None, False)
    assert (dag.max_active_runs, dag.max_active_tasks, dag.dagrun_timeout) == (1, 40, timedelta(hours=1))
    assert {"crawl"} < dag.tags
    assert dag.default_args["owner"] == "web"


def test_params_make_the_trigger_form(dag):
    assert dag.params.get_param("url").schema == {"type": "string", "format": "uri", "title": "Start page"}
    assert dag.params.get_param("url").description == "Where to begin"
    assert not dag.params.get_param("url").has_value
    assert dag.params["deep"] is False


def test_retries(dag):
    run = dag.task_dict["run"]
    assert (run.retries, run.retry_delay, run.retry_exponential_backoff) == (3, timedelta(seconds=10), 3)
    assert run.partial_kwargs["max_retry_delay"] == timedelta(minutes=2)
    for control in ("plan", "report"):
        assert dag.task_dict[control].retries >= 1


def test_the_page_tells_the_job_and_no_argument(dag):
    assert "Walk a site.\nAnd measure it." in dag.doc_md
    assert "`crawl:plan`" in dag.doc_md
    assert "the command `visit`" in dag.doc_md
    assert "| timeouts | soft 9m, hard 10m, run 1h, queue 30m |\n| priority | 7 |" in dag.doc_md
    assert "secret" not in dag.doc_md


def test_serialisation_is_stable():
    spec = parse_job(TEXT, id="crawl_site", source="crawl_site.yaml")
    assert (
        len({serialized(parse_job(TEXT, id="crawl_site", source="other.yaml")) for _ in range(20)} | {serialized(spec)})
        == 1
    )


def test_the_python_twin_is_the_same_dag():
    short = "plan: {items: [a, b]}\nrun: {shell: 'true'}\nretries: {attempts: 1}\n"
    twin = JobSpec(id="short", plan={"items": ["a", "b"]}, run={"shell": "true"}, retries={"attempts": 1})
    assert serialized(parse_job(short, id="short", source="short.yaml")) == serialized(twin)


STAGED = """
plan: {items: [a]}
steps:
  - {name: search, run: {python: "a:search"}}
  - {name: write, run: {python: "a:write"}, subtasks: {parallelism: 3}, retries: {attempts: 1}, timeouts: {hard: 5m}}
  - {name: review, run: {shell: "true"}, wait: all}
timeouts: {hard: 10m, run: 1h}
subtasks: {limit: 50}
"""


@pytest.fixture
def staged():
    return build_dag(parse_job(STAGED, id="staged"))


def test_each_step_is_a_mapped_task_beside_the_others(staged):
    assert {task.task_id: task.downstream_task_ids for task in staged.tasks} == {
        "plan": {"search", "write.places", "review.places"},
        "search": {"report", "review"},
        "write.places": {"write"},
        "write": {"report", "review"},
        "review.places": {"review"},
        "review": {"report"},
        "report": set(),
    }
    rules = {task.task_id: TriggerRule(task.trigger_rule).value for task in staged.tasks if task.is_mapped}
    assert rules == {"search": "all_success", "write": "all_success", "review": "all_done"}


def test_a_step_has_its_own_bounds(staged):
    search, write, review = (staged.task_dict[name].partial_kwargs for name in ("search", "write", "review"))
    assert [one["retries"] for one in (search, write, review)] == [2, 0, 2]
    assert [one["timeouts"]["hard"] for one in (search, write, review)] == ["10m", "5m", "10m"]
    assert [one.get("max_active_tis_per_dagrun") for one in (search, write, review)] == [None, 3, None]
    assert [one.get("has_next_step", False) for one in (search, write, review)] == [True, True, False]
    assert staged.task_dict["plan"].steps == [
        {"name": "search", "limit": 50, "depth": 100, "wait": False},
        {"name": "write", "limit": 50, "depth": 100, "wait": False},
        {"name": "review", "limit": 50, "depth": 100, "wait": True},
    ]


def test_the_tasks_that_hold_lists_need_no_runner(staged):
    serialised = DagSerialization.from_dict(DagSerialization.to_dict(staged))
    runs_nothing = [task.task_id for task in serialised.tasks if task.inherits_from_empty_operator]
    assert runs_nothing == ["write.places", "review.places"]


def test_the_page_tells_the_steps(staged):
    assert (
        "| search | `a:search` |\n| write | `a:write` |\n| review | a shell script, after the end of all"
        in staged.doc_md
    )


def test_the_jobs_that_may_be_run_are_told_to_people_and_to_the_server():
    spec = parse_job("plan: {items: [a]}\nrun: {shell: x}\nsubtasks: {jobs: [other, b]}\n", id="a", source="a.yaml")
    dag = build_dag(spec)
    assert "may include runs of the job `other`, may include runs of the job `b`" in dag.doc_md
    assert Marker.read(dag.default_args[MARKER_KEY]).calls == ("other", "b")


def test_a_runner_is_told_where_its_pod_has_secrets_so_that_it_tells_nobody_of_them():
    pod = "pod: {secrets: [{name: db, key: password, env: P}, {name: tls, path: /etc/tls}, {name: all}]}\n"
    dag = build_dag(parse_job("plan: {python: 'a:b'}\nrun: {shell: x}\n" + pod, id="j", source="j"))
    run = dag.get_task("run").partial_kwargs["secrets"]
    assert [run, dag.get_task("plan").secrets, dag.get_task("report").secrets] == [["P", "/etc/tls"]] * 3
    work = "plan: {python: 'a:b'}\nrun: {container: {image: x}}\n"
    contained = build_dag(parse_job(work + pod, id="j", source="j"))
    assert "secrets" not in contained.get_task("run").partial_kwargs


def test_values_of_the_spec_do_not_break_the_table_of_the_jobs_page():
    dag = build_dag(parse_job("plan: {items: [1]}\nrun: {command: ['a|b`c']}\n", id="j", source="j"))
    assert "| run | the command `a\\|b\N{MODIFIER LETTER GRAVE ACCENT}c` |" in (dag.doc_md or "")
