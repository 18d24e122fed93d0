"""What a job becomes: from its spec alone, without a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_mcp_provider.cli import explain, explain_text
from airflow_mcp_provider.cli.explained import NextRun, explained
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import parse_job
from tests.unit.cli.parsed import arguments

SMALL = "plan: {items: [1]}\nrun: {shell: 'true'}\n"
STEPS = """\
plan: {items: [1]}
steps:
- {name: s, run: {shell: x}, subtasks: {parallelism: 2}}
- {name: t, run: {container: {image: a}}, subtasks: {parallelism: 3}}
subtasks: {limit: 9, parallelism: 4}
"""
NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)
COMMANDS = """
import contextlib, io, json, os, sys
from airflow.__main__ import main

def told(folder, job, home=os.getcwd()):
    os.chdir(os.path.join(home, folder))
    sys.argv, out = ["airflow", "mcp", "explain", job], io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as end:
            return end.code, out.getvalue()
    return None, out.getvalue()

print(json.dumps([told(*one) for one in json.loads(sys.argv[1])]))
"""
"""Airflow's command for several jobs: to import Airflow takes most of its time."""
LOADER = "from airflow_mcp_provider.factory import load_dags\nglobals().update(load_dags('jobs'))\n"


def of(text, now=NOW):
    return explained(parse_job(text, id="job"), "job.yaml", now)


def test_the_tasks_are_those_of_the_dag_in_their_order():
    text = """\
plan: {python: a:plan}
steps:
- {name: s, run: {python: a:s}, retries: {attempts: 5}, subtasks: {limit: 7, depth: 2, parallelism: 3, batch: 4}}
- {name: t, run: {command: [ls, '{s}']}, wait: all, timeouts: {soft: 1m}}
subtasks: {limit: 100}
timeouts: {hard: 5m, run: 1h}
"""
    tasks = of(text).tasks
    assert [(one.name, one.mapped, one.after) for one in tasks] == [
        ("plan", False, ()),
        ("s", True, ("plan",)),
        ("t.places", False, ("plan",)),
        ("t", True, ("s", "t.places")),
        ("report", False, ("s", "t")),
    ]
    plan, s, t, report = (next(one for one in tasks if one.name == name) for name in ("plan", "s", "t", "report"))
    assert (s.attempts, s.limit, s.depth, s.parallelism, s.batch, s.time_limits) == (5, 7, 2, 3, 4, "hard 5m")
    assert (t.attempts, t.limit, t.work, t.time_limits) == (3, 100, "command ls", "soft 1m")
    assert (plan.work, plan.attempts, report.work) == ("python a:plan", 4, "counts and failures")


@pytest.mark.parametrize(
    ("text", "at_once", "in_all"),
    [
        (SMALL, 16, 10_000 * 3 + 8),
        (SMALL + "subtasks: {limit: 5, parallelism: 3}\nretries: {attempts: 2}\n", 3, 5 * 2 + 8),
        (SMALL + "subtasks: {limit: 5}\ncontrol: local\n", 5, 5 * 3),
        ("plan: {items: [1]}\nrun: {container: {image: a}}\nsubtasks: {limit: 5}\n", 10, 5 * 3 * 2 + 8),
        ("plan: {container: {image: a}}\nrun: {shell: x}\nsubtasks: {limit: 5}\n", 5, 5 * 3 + 12),
        ("plan: {items: [1]}\nrun: {job: other}\nsubtasks: {limit: 5}\n", 5, None),
        (SMALL + "subtasks: {limit: 5, jobs: [other]}\n", 5, None),
        (
            STEPS,
            3 * 2 + 1,
            9 * 3 + 9 * 3 * 2 + 8,
        ),
    ],
)
def test_the_most_runners_follow_from_the_limits(text, at_once, in_all):
    found = of(text).runners
    assert (found.at_once, found.in_all) == (at_once, in_all)


def test_the_next_runs_are_in_the_zone_of_the_schedule_also_over_a_change_of_the_clock():
    found = of(SMALL + "schedule: {cron: '0 8 * * *', timezone: Europe/Berlin}\n")
    assert found.next_runs == (
        NextRun("2026-03-28T08:00:00+01:00", "2026-03-28T07:00:00+00:00"),
        NextRun("2026-03-29T08:00:00+02:00", "2026-03-29T06:00:00+00:00"),
        NextRun("2026-03-30T08:00:00+02:00", "2026-03-30T06:00:00+00:00"),
        NextRun("2026-03-31T08:00:00+02:00", "2026-03-31T06:00:00+00:00"),
        NextRun("2026-04-01T08:00:00+02:00", "2026-04-01T06:00:00+00:00"),
    )
    shown = [line for line in explain_text.lines(found) if "2026-03-29" in line]
    assert shown == ["                Sun 2026-03-29 08:00:00 CEST  (2026-03-29 06:00:00 UTC)"]
    assert found.schedule == ("At 08:00 (Europe/Berlin)", "missed dates have one run together, that of the latest")


@pytest.mark.parametrize(
    ("schedule", "first", "count"),
    [
        (
            "{every: 2h, coalesce: false, jitter: 5m}",
            ("Every 2h (UTC)", "starts up to 5m later", "each missed date has a run"),
            5,
        ),
        (
            "{at: 2026-05-01T09:00, misfire_grace: 1h}",
            ("Once, at 2026-05-01 09:00 (UTC)", "dropped when it cannot start within 1h"),
            1,
        ),
        ("{cron: '@daily', end: 2026-03-29T00:00}", ("At 00:00 (UTC) to 2026-03-29 00:00",), 2),
        ("{after: [a, b]}", ("after each of these jobs has completed a run: a, b",), 0),
        (
            "{watch: {python: a:b, every: 1m}}",
            ("when python a:b reports pending work, checked every 1m, with a time limit of 20s",),
            0,
        ),
    ],
)
def test_a_schedule_in_words(schedule, first, count):
    found = of(f"{SMALL}schedule: {schedule}\n")
    assert found.schedule[: len(first)] == first
    assert len(found.next_runs) == count


def test_rules_and_notifiers_in_words():
    found = of(
        SMALL
        + "params: {url: {default: a}}\nqueue: {priority: 5, unique: [url], rate: 10/min, keep: 30d, overlap: reject}\n"
        "timeouts: {queue: 1d}\non: {failure: {notifier: a:b, args: {token: x}}, late: {notifier: a:c, after: 1h}}\n"
    )
    assert found.queue == (
        "one active run",
        "priority 5",
        "a run submitted while another is active: reject",
        "at most 10/min",
        "one queued run for each value of url",
        "ended runs are kept: 30d",
        "a run that is queued for 1d fails",
    )
    assert found.notifications == ("failure: a:b", "late after 1h: a:c")
    assert of(SMALL).schedule == ("no schedule: runs are submitted",)


@pytest.fixture
def dags(tmp_path):
    folder = tmp_path / "dags"
    (folder / "jobs" / "inner").mkdir(parents=True)
    (folder / "jobs.py").write_text(LOADER)
    (folder / "jobs" / "_defaults.yaml").write_text("owner: web\nretries: {attempts: 7}\n")
    spec = "description: |\n  Hostile \N{BELL}\ntags: [a]\n" + SMALL + "retries: {delay: 5s}\n"
    more = (
        "on:\n  failure: {notifier: a:b, args: {api_token: hidden, text: shown}}\npod: {env: {DB_PASSWORD: hidden}}\n"
    )
    (folder / "jobs" / "inner" / "nightly.yaml").write_text(spec + more)
    (folder / "notes.yaml").write_text("not a spec")
    return folder


def resolved(capsys, path):
    explain.main(arguments("explain", str(path), "--resolved", "-o", "json"))
    out = capsys.readouterr().out
    assert "hidden" not in out.replace("(hidden)", "")
    return {one["path"]: (one["value"], one["origin"]) for one in json.loads(out)["resolved"]}


def test_each_value_is_shown_with_the_place_that_it_is_from(dags, capsys):
    path = dags / "jobs" / "inner" / "nightly.yaml"
    found = resolved(capsys, path)
    assert found["owner"] == ('"web"', f"{dags}/jobs/_defaults.yaml:1")
    assert found["retries.attempts"] == ("7", f"{dags}/jobs/_defaults.yaml:2")
    assert found["retries.delay"] == ('"5s"', f"{path}:6")
    assert found["retries.backoff"] == ("2.0", "default")
    assert found["subtasks.limit"] == ("10000", "default")
    assert found["plan.items"] == ("[1]", f"{path}:4")
    assert found["on.failure.args.text"] == ('"shown"', f"{path}:8")
    assert found["pod.env.DB_PASSWORD"][0] == '"(hidden)"'
    assert "timeouts.soft" not in found


def test_a_job_is_found_by_its_id_without_a_running_airflow(dags, tmp_path):
    variables = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    variables |= {"AIRFLOW_HOME": str(tmp_path / "home"), "LC_ALL": "C"}
    variables |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody@127.0.0.1:1/none"}

    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "near" / "dags" / "jobs").mkdir(parents=True)
    (tmp_path / "near" / "dags" / "jobs" / "nightly.yaml").write_text("plan: {items: [1]}\nrun: {shell: 'true'}\n")
    asked = [("near", "nightly"), *(("elsewhere", word) for word in ("nightly", "nowhere", "notes"))]
    command = [sys.executable, "-W", "ignore", "-c", COMMANDS, json.dumps(asked)]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    near, nightly, nowhere, notes = json.loads(done.stdout)
    assert near[1].startswith("nightly  (dags/jobs/nightly.yaml)\n"), near
    assert nightly[0] is None, nightly
    assert nightly[1].startswith(f"nightly  ({dags}/jobs/inner/nightly.yaml)\n  Hostile ")
    assert nowhere[0].startswith(f"unknown job nowhere; expected a path, or the id of a job whose spec is below {dags}")
    assert nowhere[1] == ""
    assert notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: 1\n" + SMALL, '{path}:1: x: unknown key "x"'),
        (SMALL + "pod: {override: {spec: {containers: 5}}}\n", "{path}:3: pod.override"),
    ],
)
def test_a_spec_with_errors_is_not_explained(tmp_path, text, message):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match="^" + message.format(path=path)):
        explain.main(arguments("explain", str(path)))


def test_a_folder_is_no_job(tmp_path):
    with pytest.raises(SpecError, match="expected a file, not a folder"):
        explain.spec_path(str(tmp_path))


def test_the_templates_are_explained(capsys):
    for path in sorted((Path(__file__).parents[3] / "dags" / "jobs").glob("*.yaml")):
        explain.main(arguments("explain", str(path), "--resolved"))
        assert capsys.readouterr().out.startswith(path.stem)
