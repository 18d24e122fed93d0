"""How far the subtasks of a batch are, as a value."""

from datetime import UTC, datetime, timedelta

from airflow_mcp_provider.plugin.growth.batch_state import NEVER, Batch, Turn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = [10, 11, 12]


def at(seconds):
    return (NOW + timedelta(seconds=seconds)).isoformat()


def batch(*turns, life=5):
    return Batch(life, dict(zip(PLACES, turns, strict=False)))


def test_new_ones_go_first_in_their_order():
    assert Batch().next(PLACES, NOW, fresh=False) == 10
    assert batch(Turn("again", 1, at=at(-1))).next(PLACES, NOW, fresh=False) == 11
    assert batch(Turn("success", 1), Turn("failed", 1)).next(PLACES, NOW, fresh=False) == 12
    assert Batch().next([], NOW, fresh=False) is None


def test_what_failed_comes_again_when_it_is_due():
    rests = batch(Turn("success", 1), Turn("again", 1, at=at(3)), Turn("again", 2, at=at(2)))
    assert rests.next(PLACES, NOW, fresh=False) is None
    assert rests.due(PLACES) == (NOW + timedelta(seconds=2), 12)
    assert rests.next(PLACES, NOW + timedelta(seconds=2), fresh=False) == 12
    assert rests.next(PLACES, NOW + timedelta(seconds=9), fresh=True) is None


def test_one_that_a_runner_has_in_hand_is_given_to_nobody():
    held = batch(Turn("taken", 1, at=at(0)), Turn("success", 1), Turn("failed", 2))
    assert held.next(PLACES, NOW, fresh=False) is None
    assert held.due(PLACES) is None
    assert list(held.taken()) == [10]


def test_in_the_same_life_nothing_changes():
    done = batch(*[Turn("success", 1)] * 3)
    assert done.in_life(5, PLACES) == done


def test_cleared_it_repeats_what_did_not_end_well():
    cleared = batch(Turn("success", 1), Turn("failed", 3)).in_life(6, PLACES)
    assert cleared == batch(Turn("success", 1), Turn("again", 3, spent=3), life=6)
    assert cleared.turns[11].fresh
    assert [cleared.next(PLACES, NOW, fresh=True), cleared.in_life(6, PLACES)] == [11, cleared]


def test_cleared_when_all_ended_well_it_repeats_all():
    cleared = batch(*[Turn("success", 1)] * 3).in_life(6, PLACES)
    assert cleared == batch(*[Turn("again", 1, spent=1)] * 3, life=6)
    assert batch(*[Turn("success", 1)] * 2).in_life(6, PLACES) == batch(*[Turn("success", 1)] * 2, life=6)


def test_one_alone_is_done_again_where_it_was_begun():
    done = batch(Turn("success", 2))
    assert done.again(10).turns[10] == Turn("again", 2, spent=2)
    assert done.again(11) == done
    assert Batch().life == NEVER
