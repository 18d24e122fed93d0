"""Where growth ends: keys that are known, limits, payloads that cannot be stored; large runs; locks that are held."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.runtime.size_limits import BATCH_CHILDREN
from tests.integration.growth.conftest import MAPPABLE
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended, does, trigger
from tests.integration.growth.waiting import until
from tests.sizes import FULL

REFUSED = "airflow_mcp_provider.errors."
PACKED = {"wide-packed": 25}
SERVERS = ("api-server-1", "api-server-2")


def test_one_key_is_one_subtask(airflow: Embedded, record: Path) -> None:
    """From two parents, from a retry, from eight parents at once through two API servers."""
    same = [does("give", f"same-{i}") for i in range(3)]
    parents = [does("grow", f"parent-{i}", children=same) for i in range(8)]
    again = does("grow_once", children=[does("give", "from a retry")])
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, [*parents, again]))
    outcomes = run.outcomes
    assert len(run.rows()) == len(outcomes) == 8 + 1 + 3 + 1
    new = [outcomes[parent["node"]]["result"] for parent in parents]
    assert [sum(each) for each in zip(*new, strict=True)] == [1, 1, 1]
    assert (outcomes["grow_once"]["attempts"], outcomes["grow_once"]["result"]) == (2, [False])
    assert len(notes.seen(record, node="from a retry", begins=True)) == 1


def test_limit_and_depth_stop_the_enqueuer_alone(airflow: Embedded, record: Path) -> None:
    """The job allows 5 subtasks and 2 generations."""
    deep = does("grow", "a", children=[does("grow", "b", children=[does("grow", "c", children=[does("give")])])])
    run = Ended(airflow, "deeds-limited", trigger(airflow, "deeds-limited", record, [deep]))
    error = run.outcomes["c"]["error"]
    assert (error["type"], run.outcomes["c"]["attempts"]) == (REFUSED + "LimitReached", 1)
    assert error["message"] == "the new subtasks would have 3 parents; subtasks.depth is 2"
    assert [run.outcomes[key]["status"] for key in "ab"] == ["success", "success"]
    wide = [does("grow_many", count=4), does("give")]
    run = Ended(airflow, "deeds-limited", trigger(airflow, "deeds-limited", record, wide))
    error = run.outcomes["grow_many"]["error"]
    assert error["message"] == "the run would have 6 subtasks; subtasks.limit is 5"
    assert (run.outcomes["give"]["status"], run.result["subtasks"]) == ("success", 2)


@pytest.fixture(scope="module")
def hostile(airflow: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """One run of subtasks that each enqueue something odd."""
    folder = tmp_path_factory.mktemp("hostile")
    subtasks = [does("grow_hostile", name, which=name) for name in HOSTILE]
    odd = [*(does("give", key) for key in ODD_KEYS), does("grow_named", keys=["k" * 1500, "k" * 1499 + "l", *ODD_KEYS])]
    return Ended(airflow, "deeds", trigger(airflow, "deeds", folder / "record", [*subtasks, *odd]))


HOSTILE = {
    "a list": "of type list; expected a JSON object (a dict)",
    "too large": "the payload has 40035 bytes; expected at most 32768",
    "a set": "the payload is not plain JSON: ",
    "nan": "the payload is not plain JSON: ",
    "too deep": "too many levels of nesting, at payload.",
    "a lone surrogate": "the payload is not plain JSON",
    "no key": "invalid value None of the field 'node', which subtasks.key names",
    "an empty key": "invalid subtask key ''; expected a string of 1 to 2000 characters",
    "a long key": "invalid subtask key 'kkk",
    "a surrogate in the key": "the key is not plain JSON",
    "nul in the key": "the key contains a NUL character",
    "nul in a value": "the payload contains a NUL character",
}
ODD_KEYS = [
    "\u00fc\U0001f300 \u202e",
    "a/b?c=d&e#f%2F",
    "{{ 1 + 1 }}",
    "'; DROP TABLE dag_run; --",
    "line\nbreak\ttab",
    "%s %d",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_stored_is_refused_by_name(hostile: Ended, name: str) -> None:
    outcome = hostile.outcomes[name]
    assert (outcome["status"], outcome["attempts"]) == ("failed", 1)
    assert outcome["error"]["type"] == REFUSED + "InvalidPayload"
    assert HOSTILE[name] in outcome["error"]["message"]


def test_odd_keys_and_long_keys_are_keys(hostile: Ended) -> None:
    assert hostile.outcomes["grow_named"]["result"] == [True, True, *[False] * len(ODD_KEYS)]
    for key in ["k" * 1500, "k" * 1499 + "l", *ODD_KEYS]:
        assert hostile.outcomes[key]["status"] == "success"
    assert hostile.result["state"] == "partial"


def test_children_start_while_their_parent_still_runs(airflow: Embedded, record: Path, tmp_path: Path) -> None:
    """No barrier: a grandchild works while parent and a sibling of its parent still run; the parent waits for it."""
    file = tmp_path / "go"
    record_line = {"node": "grandchild", "does": "touch", "file": str(file)}
    child = does("grow", "child", children=[record_line])
    parents = [does("grow_and_wait", "parent", children=[child], file=str(file)), does("wait_for", file=str(file))]
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, parents))
    assert (run.result["state"], run.result["succeeded"]) == ("complete", 4)
    begun, ended = (
        datetime.fromisoformat(run.outcomes[key][what])
        for key, what in (("grandchild", "started"), ("parent", "ended"))
    )
    assert begun < ended


def test_a_long_chain(airflow: Embedded, record: Path) -> None:
    long = 50 if FULL else 15
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, [does("descend", "0", left=long - 1)]), timeout=400)
    assert run.result["state"] == "complete"
    links = [run.outcomes[f'"{i}"'] for i in range(long)]
    assert [link["depth"] for link in links] == list(range(long))
    assert [link["parent"] for link in links] == [None, *(f'"{i}"' for i in range(long - 1))]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("job", "count"), [("wide", 2000 if FULL else MAPPABLE + 10), ("wide-packed", BATCH_CHILDREN + 10)]
)
def test_more_subtasks_than_airflow_maps(airflow: Embedded, record: Path, job: str, count: int) -> None:
    """From one plan, whatever the setting is; packed, they are more than a question, and a page of the report, has."""
    run_id = airflow.api.trigger(job, {"count": count, "record": str(record)})
    run = Ended(airflow, job, run_id, timeout=2500)
    assert (run.result["state"], run.result["subtasks"]) == ("complete", count)
    told = run.result["result"]
    assert (told["keys"], told["sum"]) == (count, sum(range(count)))
    assert [row["map_index"] for row in run.rows()] == list(range(-(-count // PACKED.get(job, 1))))
    calls = Counter(line["node"] for line in notes.seen(record))
    assert sorted(calls) == list(range(count))
    # An overloaded Airflow may repeat a task whose end it did not hear of: that is another attempt, and told as one.
    assert not {node: n for node, n in calls.items() if n > told["again"].get(str(node), 1)}, told["again"]


@contextmanager
def held(airflow: Embedded, job: str, run_id: str) -> Iterator[None]:
    """Hold the run's row as a scheduler does while it examines the run."""
    engine = create_engine(airflow.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    query = text("SELECT id FROM dag_run WHERE dag_id = :job AND run_id = :run FOR NO KEY UPDATE")
    with engine.begin() as connection:
        connection.execute(query, {"job": job, "run": run_id})
        yield
    engine.dispose()


@pytest.mark.parametrize("server_dies", [False, True], ids=["", "and the API server dies"])
def test_enqueue_does_not_wait_for_the_scheduler(
    airflow: Embedded, record: Path, tmp_path: Path, *, server_dies: bool
) -> None:
    """It is durable at once; the rows appear when the scheduler lets go, at the latest when report asks."""
    go, end = tmp_path / "go", tmp_path / "end"
    parent = does("grow_when_told", "parent", go=str(go), end=str(end), children=[does("give", "child")])
    run_id = trigger(airflow, "deeds", record, [parent])
    until(lambda: notes.seen(record, node="parent", begins=True), what="the parent begun")
    with held(airflow, "deeds", run_id):
        go.touch()
        until(lambda: notes.seen(record, node="parent", enqueued=True), what="enqueued while the row is held")
        assert _labels(airflow, run_id) == ["parent"]
        if server_dies:
            for name in SERVERS:
                airflow.kill(name)
    if server_dies:
        with ThreadPoolExecutor() as pool:  # at the same time: without a server no runner sends a heartbeat
            list(pool.map(airflow.start, SERVERS))
    else:
        until(lambda: _labels(airflow, run_id) == ["parent", "child"], what="the child's row")
    end.touch()
    run = Ended(airflow, "deeds", run_id)
    assert (run.result["state"], run.result["succeeded"]) == ("complete", 2)


def _labels(airflow: Embedded, run_id: str) -> list[str]:
    rows = airflow.api.task_instances("deeds", run_id)
    return [row["rendered_map_index"] for row in rows if row["task_id"] == "run"]
