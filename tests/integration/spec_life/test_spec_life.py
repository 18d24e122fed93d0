"""Job specs that people edit, break, rename and remove while runs of their jobs are active and queued."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.spec_life.conftest import STALE_AFTER, STEPS, Jobs

WRONG = "plan: {items: [a]}\nrun: {python: no function}\n"
FIRST, SECOND = {"version": 1}, {"version": 2}


@dataclass(frozen=True)
class Begun:
    """The active run of each job, which wait for ``go``; ``queued`` of the removed job, ``following`` of the edited one.

    ``versions``: of the edited job. A DAG processor that has read the spec before the edit may write it after the other one.
    """

    runs: dict[str, str]
    queued: str
    following: str
    go: Path
    versions: int


@pytest.fixture(scope="module")
def begun(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """All at once: edit, break, cut off, rename and remove specs; go on when Airflow would have marked them as stale."""
    go = tmp_path_factory.mktemp("go") / "go"
    runs = jobs.started(("edited", "broken", "removed", "renamed", "half"), go)
    queued, following = (jobs.airflow.api.trigger(job) for job in ("removed", "edited"))
    jobs.spec("edited").write_text(STEPS)
    jobs.spec("broken").write_text(WRONG)
    jobs.spec("ticking").write_text(WRONG)
    jobs.spec("half").write_text(jobs.spec("half").read_text()[:230])
    jobs.spec("removed").unlink()
    jobs.spec("renamed").rename(jobs.folder / "team.yaml")
    jobs.until(lambda: jobs.versions("edited") >= 2, "the second version of the DAG")
    time.sleep(2.5 * STALE_AFTER)
    for job in ("removed", "renamed"):
        jobs.until(lambda job=job: jobs.kept(job), f"the mark of {job}")
    versions = jobs.versions("edited")
    go.touch()
    return Begun(runs, queued, following, go, versions)


@pytest.mark.parametrize("job", ["edited", "broken", "removed", "renamed", "half"])
def test_a_run_goes_on_with_the_spec_that_it_started_with(jobs: Jobs, begun: Begun, job: str) -> None:
    """Also its second subtask and its report, which started after the edit."""
    assert jobs.results(job, begun.runs[job]) == [FIRST, FIRST]
    assert all("Dag not found" not in jobs.airflow.api.log(job, begun.runs[job], task) for task in ("plan", "report"))


def test_the_next_run_has_the_new_spec(jobs: Jobs, begun: Begun) -> None:
    """Also one that was queued before the edit."""
    run = begun.following
    assert jobs.results("edited", run, "first") == [SECOND] * 3
    assert jobs.states("edited", run, "second") == ["success"] * 3
    assert begun.versions in {2, 4}
    assert jobs.versions("edited") == begun.versions


@pytest.mark.parametrize("job", ["broken", "half"])
def test_a_job_with_a_wrong_spec_keeps_its_last_valid_version(jobs: Jobs, begun: Begun, job: str) -> None:
    """New runs are accepted by both APIs; the error is visible."""
    error = jobs.until(lambda: jobs.error(f"{job}.yaml"), "the import error")
    assert f"{job}.yaml:" in error
    assert not jobs.stale(job)
    jobs.airflow.api.wait(job, begun.runs[job])
    answer = jobs.submit(job, go="/dev/null")
    assert answer.status_code == 202, answer.text
    assert jobs.results(job, answer.json()["run"]) == [FIRST, FIRST]
    assert jobs.results(job, jobs.airflow.api.trigger(job)) == [FIRST, FIRST]
    jobs.until(lambda: "last valid version" in (jobs.document(job)["error"] or ""), "the error in the document")
    assert jobs.versions(job) == 1
    assert not jobs.stale("held")


def test_scheduled_runs_go_on_with_the_last_valid_version(jobs: Jobs, begun: Begun) -> None:
    assert jobs.until(lambda: jobs.error("ticking.yaml"), "the import error")
    jobs.airflow.api.patch("/dags/ticking", {"is_paused": False})
    before = len(jobs.runs("ticking"))
    jobs.until(lambda: len(jobs.runs("ticking")) >= before + 2, "two scheduled runs")
    after = [run["dag_run_id"] for run in jobs.runs("ticking")][before]
    assert jobs.airflow.api.wait("ticking", after)["state"] == "success"
    jobs.airflow.api.patch("/dags/ticking", {"is_paused": True})


def test_a_removed_job_ends_its_queue_and_keeps_its_history(jobs: Jobs, begun: Begun) -> None:
    api = jobs.airflow.api
    assert api.wait("removed", begun.runs["removed"])["state"] == "success"
    jobs.until(lambda: jobs.stale("removed"), "the end of the DAG")
    assert api.run("removed", begun.queued)["state"] == "queued"  # for as long as its spec may come back
    assert jobs.submit("removed").status_code == 409
    jobs.airflow.sql("UPDATE dag SET last_parsed_time = now() - interval '1 hour' WHERE dag_id = 'removed'")
    run = api.wait("removed", begun.queued)
    assert run["state"] == "failed"
    assert "the job removed was removed" in run["note"]
    document = jobs.document("removed")
    assert "does not define this job any more" in document["error"]
    assert {one["run"] for one in document["last"]} == {begun.runs["removed"], begun.queued}


def test_a_spec_that_is_there_again_revives_its_job(jobs: Jobs, begun: Begun) -> None:
    """With the runs of before. The job of the new name is another one."""
    jobs.airflow.api.wait("renamed", begun.runs["renamed"])
    jobs.airflow.api.wait_for_dag("team")
    jobs.until(lambda: jobs.stale("renamed"), "the end of the DAG")
    jobs.new("renamed")
    jobs.until(lambda: not jobs.stale("renamed"), "the job")
    assert jobs.results("renamed", jobs.airflow.api.trigger("renamed")) == [FIRST, FIRST]


def test_folders_and_duplicate_ids(jobs: Jobs) -> None:
    """The job of an id that two files have is that of the first; the other file has the error."""
    nested = jobs.folder / "z/team"
    nested.mkdir(parents=True)
    (nested / "deep.yaml").write_text(STEPS)
    (nested / "twice.yaml").write_text(STEPS)
    jobs.airflow.api.wait_for_dag("deep")
    error = jobs.until(lambda: jobs.error("z/team/twice.yaml"), "the import error")
    assert "duplicate job id twice" in error
    time.sleep(2 * STALE_AFTER)
    assert not jobs.stale("twice")
    assert jobs.results("twice", jobs.airflow.api.trigger("twice")) == [FIRST, FIRST]
    assert jobs.versions("twice") == 1


def test_the_processes_that_parse_find_the_factory_imported(jobs: Jobs) -> None:
    note = jobs.folder.parent / "preloaded.txt"
    assert jobs.until(lambda: note.exists() and note.read_text(), "a parse") == "True"
