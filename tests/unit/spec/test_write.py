"""A spec that is written and read again is the same one, in YAML and in Python."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mcp_provider import spec as spec_package
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, load_job, parse_job, to_python, to_yaml

ROOT = Path(__file__).parents[3]
FILES = sorted(
    [
        *ROOT.glob("dags/jobs/**/*.yaml"),
        *ROOT.glob("tests/*/**/dags/jobs/*.yaml"),
        *ROOT.glob("examples/**/jobs/*.yaml"),
    ]
)
NAMES = {name: getattr(spec_package, name) for name in spec_package.__all__}


def valid(path: Path) -> bool:
    try:
        load_job(path)
    except SpecError:
        return False
    return True


def assert_same(spec: JobSpec) -> None:
    assert parse_job(to_yaml(spec), id=spec.id) == spec
    assert eval(to_python(spec), dict(NAMES)) == spec  # noqa: S307 - what this test is about


@pytest.mark.parametrize("path", [path for path in FILES if valid(path)], ids=lambda path: path.stem)
def test_each_job_of_this_repository_is_the_same_again(path):
    assert_same(load_job(path))


def test_there_are_many():
    assert len(FILES) > 9


EVERYTHING = """
description: "yes"
owner: web
tags: ["no", "1:30", a b]
params:
  url: {type: string, default: "2020-01-01", pattern: "^\\\\d"}
  "on": {type: [boolean, "null"], default: null}
schedule:
  cron: ["0 8 * * mon-fri", "@daily"]
  timezone: Europe/Berlin
  start: 2026-12-01T00:00
  end: 2027-01-01T00:00
  jitter: 5m
  conf: {url: "1"}
  misfire_grace: 1h
  coalesce: false
on:
  failure: {notifier: "a.b:C", args: {x: [1, 2.5]}}
  late: {notifier: "a.b:C", after: 1h}
plan: {items: {matrix: {os: [a, "no"], py: [3.1, 1]}}}
steps:
  - name: search
    run: {container: {image: "python:{py}", command: [sh, -c, "echo {{x}}"], env: {A: true, B: 1.5}, user: 0, start: 1m}}
    retries: {attempts: 2, delay: 1500ms, never_on: [ValueError]}
    pod: {resources: {requests: {cpu: 500m}, limits: {memory: 1Gi}}, secrets: [{name: s, key: k, env: E}], volumes: [{path: /x, empty: 1Gi}]}
    subtasks: {parallelism: 2, depth: 0}
    timeouts: {soft: 1m, hard: 2m}
  - name: write
    wait: all
    run: {shell: "a\\n  b \\n\\n c\\t\\n"}
report: {command: [a, "-1", "{url}"]}
subtasks: {key: "{os} {py}", tolerate: 12.5%, limit: 7, jobs: [other]}
retries: {attempts: 4, delay: 20m, backoff: 1.5}
timeouts: {run: 2d, queue: 90s}
queue: {priority: -3, rate: 10/min per submitter, keep: 30d, unique: [url], overlap: reject, memory: 2Gi}
pod: {image: x, override: {spec: {hostname: a}}, affinity: {nodeAffinity: {}}, on_oom: {memory: x1.5, max: 8Gi}}
control: local
"""


def test_each_key_is_the_same_again():
    spec = parse_job(EVERYTHING, id="job")
    assert_same(spec)
    assert {name for name in JobSpec.model_fields if name != "run"} <= spec.model_fields_set | {"id"}


@pytest.mark.parametrize(
    "more",
    ["every: 1500ms", "at: 2026-12-01T09:00", "at: 2026-10-25T02:30:00+01:00", "after: [a, b]", "watch: {python: 'a:b', every: 1m}", "watch: {command: [a, 1]}", "watch: {queue: 'redis+pubsub://x'}"],
)  # fmt: skip
def test_each_kind_of_schedule_is_the_same_again(more):
    text = f"plan: {{items: [1]}}\nrun: {{shell: x}}\nschedule: {{{more}, timezone: Europe/Berlin}}\n"
    assert_same(parse_job(text, id="job"))


def test_defaults_are_left_out_and_on_is_plain():
    spec = JobSpec(id="job", plan={"items": ["a"]}, run={"shell": "x"}, on={"success": {"notifier": "a:B"}})
    assert to_yaml(spec) == "plan:\n  items:\n  - a\nrun:\n  shell: x\non:\n  success:\n  - notifier: a:B\n"
    assert to_python(spec) == (
        "JobSpec(\n    id='job',\n    plan=Items(items=['a']),\n    run=ShellWork(shell='x'),\n"
        "    on=On(success=[Notify(notifier='a:B')]),\n)"
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}"), max_size=30)
WORDS = st.sampled_from(["yes", "no", "on", "1:30", "0o7", "1e3", "2020-01-01", "~", "null", "=", "<<", "!x", "&a", "*a", "a: b", "- a", "# a", " a", "a ", "'", '"', "\t", "a\n b\n", "\n", "\x85", "\u2028", "\ufeff", "%", "@", "`", "|", ">"])  # fmt: skip
SCALARS = st.one_of(
    TEXT, WORDS, st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
JSON = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | WORDS, inner, max_size=3),
    max_leaves=8,
)
ITEM = SCALARS | st.dictionaries(TEXT | WORDS, JSON, max_size=3)
DURATION = st.integers(1, 10**9).map(lambda count: f"{count}ms")
SHELL = st.builds(lambda text: {"shell": f"x{text}"}, TEXT | WORDS)
WORK = st.one_of(
    SHELL,
    st.builds(lambda rest: {"command": ["a", *rest]}, st.lists(TEXT | WORDS, max_size=3)),
    st.just({"python": "a.b:c.d"}),
)
RETRIES = st.fixed_dictionaries({}, optional={"attempts": st.integers(1, 100), "delay": DURATION, "backoff": st.floats(1, 100), "never_on": st.lists(st.sampled_from(["A", "b.C"]), unique=True)})  # fmt: skip
SUBTASKS = st.fixed_dictionaries({}, optional={"parallelism": st.integers(1, 10_000), "depth": st.integers(0, 10_000), "tolerate": st.sampled_from([0, 3, "5%", "0.25%", "100%"])})  # fmt: skip
SPECS = st.fixed_dictionaries(
    {"plan": st.builds(lambda items: {"items": items}, st.lists(ITEM, max_size=4)), "run": WORK},
    optional={
        "description": TEXT | WORDS,
        "owner": st.sampled_from(["a", "no", "a b"]),
        "tags": st.lists(st.sampled_from(["a", "no", "1.5", "a: b"]), unique=True),
        "params": st.dictionaries(st.sampled_from(["a", "b_c"]), st.builds(lambda value: {"default": value}, JSON), max_size=2),
        "report": WORK,
        "retries": RETRIES,
        "subtasks": SUBTASKS,
        "timeouts": st.fixed_dictionaries({}, optional={"soft": DURATION, "queue": DURATION}),
        "queue": st.fixed_dictionaries({}, optional={"priority": st.integers(-1000, 1000), "keep": st.sampled_from([5, "30d"])}),
        "schedule": st.sampled_from([{"cron": "@daily"}, {"cron": ["0 8 * * *"], "coalesce": False}, {"at": datetime(2030, 1, 1, tzinfo=UTC)}]),
        "pod": st.fixed_dictionaries({}, optional={"image": st.just("x"), "labels": st.just({"a": "no"}), "affinity": st.dictionaries(st.sampled_from(["a", "b"]), JSON, max_size=2)}),
    },
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(SPECS)
def test_any_spec_is_the_same_again(fields: dict[str, Any]):
    try:
        spec = JobSpec(id="job", **fields)
    except SpecError:
        return
    assert_same(spec)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_the_same_again(number):
    spec = JobSpec(id="job", plan={"items": [number]}, run={"shell": "x"})
    again = parse_job(to_yaml(spec), id="job").plan.items[0]
    assert math.copysign(1, again) == math.copysign(1, number)
    assert again == number
