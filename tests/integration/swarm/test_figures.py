"""The figures themselves: what is told as lost or twice really is. No Airflow."""

from tests.swarm.figures import Kept, Times, Told
from tests.swarm.line import lines_of
from tests.swarm.load import Load, children


def test_what_a_runner_enqueues_is_what_is_wanted():
    load = Load(2, kids=3, deep=2)
    found = {str(number): {**load.conf, "n": str(number)} for number in range(load.width)}
    waiting = list(found.items())
    for key, payload in waiting:
        new = dict(children(key, payload))
        found |= new
        waiting += new.items()
    assert load.wanted == found.keys()
    assert len(load.wanted) == 2 + 6 + 18
    assert len(Load(5, kids=3, dag="stock").wanted) == 5


def test_answers_and_failures_are_counted_by_their_kind(tmp_path):
    file = tmp_path / "record"
    begun = '{"begun": "a", "attempt": %s, "index": 0}\n'
    call = '{"call": "start", "code": %s, "took": %s, "at": 1.0}\n'
    lines = [call % ("200", 1), call % ("503", 2), call % ('"timeout"', 10), call % ('"ClientError"', 0)]
    lines += [begun % 1, begun % 2, '{"confirmed": ["b"], "took": 2, "at": 1.0}\n', '{"begun": "half']
    file.write_text("".join(lines))
    told = Told.of(lines_of(file))
    assert (told.failed, told.timeouts, told.broken) == (1, 1, 1)
    assert told.calls["start"] == Times(4, 2, 10, 10)
    assert (told.confirmed, told.enqueue_rate, told.twice) == ({"b"}, 0.5, frozenset())


def test_a_key_is_twice_with_two_runners_of_one_attempt_or_two_places():
    line = {"begun": "a", "attempt": 1, "index": 0}
    assert Told.of([line, line]).twice == {"a"}
    assert Kept({"a": (0, 1), "b": (2,)}, frozenset(), {}).twice == {"a"}
