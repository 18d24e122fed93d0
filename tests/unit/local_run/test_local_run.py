"""Runs of small jobs in this process: what they count and return is what Airflow would count and return."""

import sys
import textwrap
import uuid

import pytest

from airflow_mcp_provider.errors import InvalidPayload, SpecError
from airflow_mcp_provider.local_run import LocalRun, Options, Result
from airflow_mcp_provider.spec import JobSpec, parse_job

ALONE = Options()
APART = Options(isolated=True)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module of the code; returns its name."""

    def made(code: str) -> str:
        name = f"mod_{uuid.uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    yield made
    for name in [name for name in sys.modules if name.startswith("mod_")]:
        del sys.modules[name]


def no_jobs(job: str) -> JobSpec:
    raise SpecError(f"no job {job}")


def run(text: str, conf=None, options: Options = ALONE, jobs=no_jobs) -> tuple[Result, LocalRun]:
    one = LocalRun(parse_job(text, id="job"), conf or {}, options, jobs)
    return one.run(), one


def counts(result: Result) -> tuple[str, int, int, int, int]:
    found = result.run
    return found.state, found.subtasks, found.succeeded, found.failed, found.skipped


GROWING = """
from airflow_mcp_provider.runtime import enqueue, progress

def plan(params):
    yield from range(params["width"])

def visit(subtask, params):
    depth = subtask.get("depth", 0)
    progress(0.5, "half")
    if depth < params["depth"]:
        for child in range(2):
            enqueue({"name": f"{subtask.get('name', subtask.get('item'))}.{child}", "depth": depth + 1})
        enqueue({"name": "shared", "depth": depth + 1})
    return depth

def report(outcomes, params):
    return {"sum": sum(one.result for one in outcomes if one.status == "success")}
"""
GROWS = """
params: {{width: {{type: integer, default: 2}}, depth: {{type: integer, default: 2}}}}
plan: {{python: "{0}:plan"}}
run: {{python: "{0}:visit"}}
report: {{python: "{0}:report"}}
subtasks: {{limit: 100}}
"""


@pytest.mark.parametrize("options", [ALONE, APART])
def test_subtasks_find_subtasks_each_key_once(module, options):
    result, one = run(GROWS.format(module(GROWING)), options=options)
    # 2, then 2 * 2 + shared, then each of the 5 two more, and shared is known by another payload
    assert counts(result)[0] == "complete"
    keys = [record.item.key for record in one.subtasks.records]
    assert len(keys) == len(set(keys)) == result.run.subtasks
    assert max(record.item.depth for record in one.subtasks.records) == 2
    assert result.run.result == {"sum": sum(record.item.depth for record in one.subtasks.records)}
    assert result.succeeded


def test_limit_and_depth_are_those_of_the_spec(module):
    name = module(GROWING)
    result, _ = run(GROWS.format(name).replace("limit: 100", "limit: 4"))
    assert result.run.state == "failed"
    assert "subtasks.limit is 4" in result.note
    result, _ = run(GROWS.format(name).replace("limit: 100", "depth: 1"), {"depth": 5})
    assert "would have 2 parents; subtasks.depth is 1" in result.note


FAILING = """
import pathlib
from airflow_mcp_provider.runtime import enqueue

class Gone(Exception): ...

def visit(subtask, params):
    tries = pathlib.Path(params["log"])
    with tries.open("a") as log:
        log.write(f"{subtask['item']}\\n")
    count = tries.read_text().split().count(str(subtask["item"]))
    if subtask["item"] == "gone":
        raise Gone("for ever")
    if subtask["item"] == "flaky" and count < 3:
        raise ValueError("try again")
    if subtask["item"] == "bad":
        raise ValueError("no")
    if subtask["item"] == "exits":
        raise SystemExit(3)
"""
FAILS = """
params: {{log: {{type: string}}}}
plan: {{items: [{items}]}}
run: {{python: "{module}:visit"}}
subtasks: {{tolerate: {tolerate}}}
retries: {{attempts: 3, delay: 1h, never_on: [Gone]}}
"""


@pytest.mark.parametrize("options", [ALONE, APART])
def test_retries_follow_the_rules_without_their_delays(module, tmp_path, options):
    text = FAILS.format(items="flaky, gone, bad, fine, exits", module=module(FAILING), tolerate=3)
    result, one = run(text, {"log": str(tmp_path / "log")}, options)
    assert counts(result) == ("partial", 5, 2, 3, 0)
    tries = (tmp_path / "log").read_text().split()
    assert {name: tries.count(name) for name in set(tries)} == {"flaky": 3, "gone": 1, "bad": 3, "fine": 1, "exits": 3}
    assert [(each.key, each.type.rpartition(".")[2]) for each in result.run.failures][:2] == [
        ("gone", "Gone"),
        ("bad", "ValueError"),
    ]
    assert "2 of 5 subtasks succeeded, 3 failed (tolerated: 3)" in result.note
    assert [record.attempt for record in one.subtasks.records] == [3, 1, 3, 1, 3]


def test_a_run_with_too_many_failures_is_stopped(module, tmp_path):
    text = FAILS.format(items="gone, a, b, c", module=module(FAILING), tolerate=0)
    result, _ = run(text, {"log": str(tmp_path / "log")})
    assert counts(result) == ("failed", 4, 0, 1, 3)
    assert not result.succeeded


STEPS = """
plan: {{items: [{{name: a}}, {{name: b}}, {{name: c}}]}}
steps:
  - {{name: search, run: {{python: "{0}:search"}}}}
  - {{name: write, run: {{shell: 'echo "\\"$MCP_SUBTASK_SEARCH!\\""'}}}}
  - {{name: publish, run: {{python: "{0}:publish"}}, wait: all}}
subtasks: {{key: name, tolerate: 1}}
"""
OF_STEPS = """
seen = []

def search(subtask):
    if subtask["name"] == "c":
        raise KeyError("c")
    return subtask["name"] * 2

def publish(subtask):
    return subtask["write"]
"""


def test_a_result_is_a_value_of_the_next_step(module):
    result, one = run(STEPS.format(module(OF_STEPS)) + "retries: {attempts: 1}\n")
    assert counts(result) == ("partial", 3, 2, 1, 0)
    last = [(record.item.key, record.result) for record in one.subtasks.records if record.step == "publish"]
    assert last == [("a", "aa!"), ("b", "bb!")]
    assert result.run.steps == {
        "search": {"subtasks": 3, "succeeded": 2, "failed": 1, "skipped": 0},
        "write": {"subtasks": 2, "succeeded": 2, "failed": 0, "skipped": 0},
        "publish": {"subtasks": 2, "succeeded": 2, "failed": 0, "skipped": 0},
    }
    assert [record.step for record in sorted(one.subtasks.records, key=lambda one: one.ended)][-2:] == ["publish"] * 2


def test_commands_plan_enqueue_and_report(tmp_path):
    text = """
plan: {shell: 'printf "%s\\n" \\"a\\" \\"b\\"'}
run:
  shell: |
    test "$MCP_SUBTASK_ITEM" = a && echo '{"item": "c"}' > "$MCP_ENQUEUE"
    echo 1
report: {shell: 'wc -l < "$MCP_SUBTASK_OUTCOMES"'}
"""
    result, _ = run(text)
    assert counts(result) == ("complete", 3, 3, 0, 0)
    assert result.run.result == 3


def test_a_subtask_may_be_a_run_of_another_job():
    other = parse_job(
        "params: {n: {type: integer}}\nplan: {items: ['{n}']}\nrun: {shell: 'echo $MCP_SUBTASK_ITEM'}\n", id="other"
    )
    bad = parse_job("plan: {items: [1]}\nrun: {shell: 'false'}\nretries: {attempts: 1}\n", id="bad")
    jobs = {"other": other, "bad": bad}.__getitem__
    result, one = run("plan: {items: [{n: 1}, {n: 2}]}\nrun: {job: other}\n", jobs=jobs)
    assert counts(result) == ("complete", 2, 2, 0, 0)
    assert one.subtasks.records[0].result["succeeded"] == 1
    result, _ = run("plan: {items: [{}]}\nrun: {job: bad}\nretries: {attempts: 1}\n", jobs=jobs)
    assert result.run.failures[0].type == "JobFailed"
    result, _ = run("plan: {items: [{x: 1}]}\nrun: {job: other}\n", jobs=jobs)
    assert "does not declare: ['x']" in result.note


def test_a_plan_or_report_that_fails_is_the_end(module):
    name = module("def boom(*_):\n    raise RuntimeError('broken')\n")
    result, _ = run(f"plan: {{python: '{name}:boom'}}\nrun: {{shell: x}}\n")
    assert (counts(result)[0], result.note) == ("failed", "failed: the plan failed: RuntimeError: broken")
    result, _ = run(f"plan: {{items: [1]}}\nrun: {{shell: 'true'}}\nreport: {{python: '{name}:boom'}}\n")
    assert counts(result) == ("failed", 1, 1, 0, 0)
    assert result.note == "failed: the report failed: RuntimeError: broken; 1 of 1 subtasks succeeded"


def test_nothing_to_do_is_a_success():
    result, _ = run("plan: {items: []}\nrun: {shell: x}\n")
    assert (counts(result)[0], result.succeeded) == ("nothing to do", True)


@pytest.mark.parametrize(("conf", "wrong"), [({}, "missing value of the param n"), ({"n": "x"}, "invalid value 'x' of the param n; expected type: integer")])  # fmt: skip
def test_conf_must_match_the_params(conf, wrong):
    with pytest.raises(InvalidPayload, match=wrong):
        run("params: {n: {type: integer}}\nplan: {items: [1]}\nrun: {shell: x}\n", conf)


def test_isolated_work_has_its_time_limits(module):
    name = module("import time\ndef slow(subtask):\n    time.sleep(60)\n")
    text = (
        f"plan: {{items: [1]}}\nrun: {{python: '{name}:slow'}}\ntimeouts: {{hard: 500ms}}\nretries: {{attempts: 1}}\n"
    )
    result, _ = run(text, options=APART)
    assert result.run.failures[0].type.endswith("HardTimeout")


def test_ten_thousand_subtasks_need_no_square_of_time():
    text = (
        "plan: {items: {matrix: {a: ["
        + ", ".join(map(str, range(100)))
        + "], b: ["
        + ", ".join(map(str, range(100)))
        + "]}}}\n"
    )
    one = LocalRun(parse_job(text + "run: {shell: x}\n", id="job"), {}, ALONE, no_jobs)
    one._plan()
    taken = 0
    while (record := one.subtasks.next()) is not None:
        one.subtasks.done(record, None)
        taken += 1
    assert taken == 10_000
