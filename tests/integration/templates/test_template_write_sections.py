"""The templates with steps on a real Airflow: documents in a line, a tool that is busy, a section that finds nothing."""

import gzip
from pathlib import Path

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.spec import load_job
from tests.sizes import FULL

ROOT = Path(__file__).parents[3]
JOB = "write_sections"
SECTIONS = load_job(ROOT / f"dags/jobs/{JOB}.yaml").params["sections"]["default"]
SOME = SECTIONS if FULL else SECTIONS[:8]


def test_its_limits() -> None:
    spec = load_job(ROOT / "dags" / "jobs" / f"{JOB}.yaml")
    assert (spec.retries.attempts, spec.retries.delay.total_seconds()) == (3, 60)
    assert [limit and limit.total_seconds() for limit in (spec.timeouts.soft, spec.timeouts.hard)] == [540, 600]


def test_three_projects_wait_in_line(airflow: Embedded) -> None:
    """The first has many sections and a busy tool; the second one that nothing is written about; the third none."""
    few = [{"title": f"S{number}", "query": "queue put get"} for number in range(4)]
    nothing = {"title": "Nothing", "query": "xyzzy-plugh"}
    conf: dict[str, Json] = {
        "First": {"project": "First", "busy": 0.3, "sections": SOME},
        "Second": {"project": "Second", "busy": 0, "sections": [*few, nothing]},
        "Third": {"project": "Third", "busy": 1, "sections": few},
    }
    airflow.api.wait_for_dag(JOB)
    runs = {project: airflow.api.trigger(JOB, given) for project, given in conf.items()}
    ended = {project: airflow.api.wait(JOB, run_id, timeout=300) for project, run_id in runs.items()}
    assert {project: run["state"] for project, run in ended.items()} == {
        "First": "success",
        "Second": "success",
        "Third": "failed",
    }
    for earlier, later in (("First", "Second"), ("Second", "Third")):
        assert ended[earlier]["end_date"] <= ended[later]["start_date"]
    first, second = (airflow.api.xcom(JOB, runs[project], "report") for project in ("First", "Second"))
    asked = [section["title"] for section in SOME]
    assert (first["state"], first["result"]["sections"], first["result"]["missing"]) == ("complete", asked, [])
    assert first["result"]["text"].count("\n## ") == len(SOME)
    assert (second["state"], second["succeeded"], second["failed"]) == ("partial", 4, 1)
    assert second["result"]["missing"][0]["title"] == "Nothing"
    third = airflow.api.xcom(JOB, runs["Third"], "report", "result")
    assert (third["state"], third["failed"], third["result"]["sections"]) == ("failed", 4, [])


def test_the_busy_tool_was_asked_again(airflow: Embedded) -> None:
    """By Airflow's own retries, of the first step alone."""
    (run,) = [one for one in airflow.api.get(f"/dags/{JOB}/dagRuns")["dag_runs"] if one["conf"]["project"] == "First"]
    rows = airflow.api.task_instances(JOB, run["dag_run_id"])
    attempts = {step: [row["try_number"] for row in rows if row["task_id"] == step] for step in ("search", "write")}
    assert len(attempts["search"]) == len(SOME)
    assert 2 <= max(attempts["search"]) <= 3
    assert set(attempts["write"]) == {1}


def test_the_pipeline_in_yaml_alone(airflow: Embedded, tmp_path: Path) -> None:
    files = {f"file {number}.txt": f"{number}\n" * 1000 for number in range(6)}
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).write_text(text)
    conf = {"path": str(tmp_path / "in"), "target": str(tmp_path / "out")}
    airflow.api.wait_for_dag("pipeline")
    run_id = airflow.api.trigger("pipeline", conf)
    assert airflow.api.wait("pipeline", run_id, timeout=200)["state"] == "success"
    assert airflow.api.xcom("pipeline", run_id, "report")["result"] == {"published": 6, "refused": 0}
    packed = {path.name: gzip.decompress(path.read_bytes()).decode() for path in (tmp_path / "out").iterdir()}
    assert packed == {f"{name}.gz": text for name, text in files.items()}
    rows = airflow.api.task_instances("pipeline", run_id)
    ends = [row["end_date"] for row in rows if row["task_id"] in {"pack", "verify"}]
    starts = [row["start_date"] for row in rows if row["task_id"] == "publish"]
    assert max(ends) <= min(starts)
