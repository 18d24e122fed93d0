"""A runner of a batch does its subtasks in turn: it reports how the last one ended, and asks which is the next.

Runs in the API server, in the transaction of the runner's request, under the lock of the run's state: a place that an
enqueue gives to this task instance is seen by its runner, or goes to the next task instance. The row of the batch is
locked, too: a runner that only continues with what was announced to it, as while all succeed, needs no other lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InstallationError, InvalidRow, TryAgain
from airflow_mcp_provider.plugin.db import clock, rows, state_store
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.plugin.growth import batch_outcomes
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.next_step import Place, advance
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime import size_limits, store_keys
from airflow_mcp_provider.runtime.answer_types import NextDue, NextOver, NextSubtask
from airflow_mcp_provider.runtime.backoff import Tries
from airflow_mcp_provider.runtime.messages import AttemptOutcome, Item, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error
from airflow_mcp_provider.runtime.request_types import Attempt, BatchOutcome, GoOn, Next

SUPERSEDED = "this runner was given up as lost, and another runner does its subtask again"
NOT_STORED = (
    "an API server did not store what this runner sent: one of the API servers runs without the plugin of "
    "airflow-mcp-provider, or with another version of it. Run `airflow mcp check` on each of them"
)
AHEAD, AHEAD_BYTES = 16, 30_000
"""So many subtasks are announced to a runner beforehand, of so many bytes together: it continues with them without an
answer."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the outcomes that a request has: subtasks ``new`` in the next step, and those that ``failed``."""

    new: int
    failed: int


class BatchDispatch:
    """The batch of one runner, in one request: ``deliver``, then ``next``; or ``go_on`` alone."""

    def __init__(self, session: Session, runner: Runner, step: Step) -> None:
        self._session = session
        self._runner = runner
        self._now = clock.now()
        self._places = places(session, runner, step)
        self._batch = Batch.locked(session, runner.run, runner.step, runner.index).in_life(runner.life, self._places)

    def deliver(self, state: RunState, request: Next) -> tuple[RunState, Delivered]:
        """Store how the subtask in hand ended; one that a lost runner had in hand has failed.

        Raises TryAgain, InstallationError when the request is about a subtask that this runner does not have in hand.
        """
        new = failed = 0
        ended, hand = request.ended, self._batch.taken()
        if ended and hand and not _is_all(hand, ended):
            raise TryAgain(SUPERSEDED) if ended.place in hand else InstallationError(NOT_STORED)
        for place, turn in hand.items():
            state, went = self._end(state, place, turn, ended or self._lost(turn), request)
            new += went
            failed += self._batch.turns[place].status == "failed"
        self._write()
        return state, Delivered(new, failed)

    def next(self, state: RunState, new: int, *, fresh: bool) -> tuple[RunState, NextSubtask | NextDue | NextOver]:
        """Give the next subtask; else when one is ``due`` again, else how all of them ended."""
        while (place := self._batch.next(self._places, self._now, fresh=fresh)) is not None:
            try:
                return state, self._begin(state, place, new)
            except InvalidRow as error:
                self._fail_damaged(place, error)
        if due := self._batch.due(self._places):
            return state, NextDue(new=new, due=due[0].isoformat(), label=self.label())
        if state.step(self._runner.step).open == self._runner.index:
            state = state.closed(self._runner.step)
            state.write(self._session, self._runner.run)
        return state, self._over(new)

    def go_on(self, request: GoOn) -> bool:
        """Store that the subtask in hand succeeded, and begin the one that was announced to the runner.

        False: the server's state differs, and nothing was changed. A repeated request, after a lost answer, is true.
        """
        ended, begin = request.ended, request.begin
        hand = self._batch.taken()
        if _is_all(hand, begin):
            return True
        begun = self._batch.begun(begin.place, self._now)
        following = self._batch.untried(self._places)[:1] == [begin.place] and begun.attempts == begin.attempt
        if not _is_all(hand, ended) or not following:
            return False
        self._keep(ended.place, self._succeeded(ended.place, hand[ended.place], ended))
        self._batch = self._batch.set(begin.place, begun)
        self._write()
        return True

    def _begin(self, state: RunState, place: int, new: int) -> NextSubtask:
        turn, item = self._batch.begun(place, self._now), rows.item_of(self._read_item(place))
        self._batch = self._batch.set(place, turn)
        self._write()
        return _subtask(place, turn, item, new, self._ahead(state))

    def _fail_damaged(self, place: int, error: InvalidRow) -> None:
        """The item of this subtask is damaged: it has failed, and the others are done."""
        begun = self._batch.begun(place, self._now)
        self._batch = self._batch.set(place, Turn("failed", begun.attempts, begun.spent))
        self._keep(place, self._outcome(begun, error=rows.damage(str(error))))
        self._write()

    def _ahead(self, state: RunState) -> list[NextSubtask]:
        """Announce what comes next; not in a job with steps, whose items change when an earlier step is done again."""
        untried = self._batch.untried(self._places)[:AHEAD] if len(state.steps) == 1 else []
        ahead: list[NextSubtask] = []
        size = 0
        for place, text in _items(self._session, self._runner, untried):
            size += len(text)
            if size > AHEAD_BYTES or (item := rows.converted(rows.parsed(text), Item)) is None:
                break
            ahead.append(_subtask(place, self._batch.begun(place, self._now), item))
        return ahead

    def _end(
        self, state: RunState, place: int, turn: Turn, outcome: AttemptOutcome, request: Next
    ) -> tuple[RunState, int]:
        if outcome.error is not None:
            self._batch = self._batch.set(place, self._failed(turn, request.tries, final=outcome.final))
            self._keep(place, self._outcome(turn, error=outcome.error))
            return state, 0
        kept = self._succeeded(place, turn, outcome)
        if state.after(self._runner.step) is None:
            self._keep(place, kept)
            return state, 0
        here = Place(self._runner.step, place, self._runner.life, request.trace)
        return advance(self._session, self._runner.run, state, here, kept)

    def _succeeded(self, place: int, turn: Turn, outcome: AttemptOutcome) -> StoredOutcome:
        self._batch = self._batch.set(place, Turn("success", turn.attempts, turn.spent))
        return self._outcome(turn, result=outcome.value)

    def _outcome(self, turn: Turn, *, result: object = UNSET, error: Error | None = None) -> StoredOutcome:
        return StoredOutcome(turn.attempts, result, error, started=turn.at, ended=self._now.isoformat())

    def _failed(self, turn: Turn, tries: Tries, *, final: bool) -> Turn:
        tried = turn.attempts - turn.spent
        if final or tried >= tries.attempts:
            return Turn("failed", turn.attempts, turn.spent)
        due = self._now + timedelta(seconds=tries.pause(tried))
        return Turn("again", turn.attempts, turn.spent, due.isoformat())

    def _lost(self, turn: Turn) -> AttemptOutcome:
        pod = self._text(self._runner.index, store_keys.POD)
        return AttemptOutcome(turn.attempts, error=batch_outcomes.lost(rows.pod(pod), self._runner.attempt - 1))

    def _over(self, new: int) -> NextOver:
        failed = [place for place in self._places if (turn := self._batch.turns.get(place)) and turn.status == "failed"]
        first = self._first(failed[0]) if failed else ""
        return NextOver(new=new, size=len(self._places), failed=len(failed), label=self.label(), first=first)

    def label(self) -> str:
        """Name the task instance: its first subtask's key, and how many more there are."""
        key = self._key(self._places[0]) if self._places else ""
        more = f" +{len(self._places) - 1}" if len(self._places) > 1 else ""
        return key[: size_limits.LABEL_CHARS - len(more)] + more

    def _first(self, place: int) -> str:
        outcome = rows.outcome(self._text(place, store_keys.OUTCOME))
        error = (outcome and outcome.error) or batch_outcomes.LOST
        return f"{self._key(place)}: {error.type}: {error.message}"[:1000]

    def _key(self, place: int) -> str:
        return rows.key_of(rows.parsed(self._text(place, store_keys.ITEM)), self._runner.step, place)

    def _text(self, index: int, key: str) -> str | None:
        return state_store.text_of(self._session, self._runner.run, self._runner.step, index, key)

    def _read_item(self, index: int) -> object:
        return state_store.read(self._session, self._runner.run, self._runner.step, index, store_keys.ITEM)

    def _keep(self, place: int, outcome: StoredOutcome) -> None:
        state_store.write(self._session, self._runner.run, self._runner.step, place, store_keys.OUTCOME, outcome)

    def _write(self) -> None:
        self._batch.write(self._session, self._runner.run, self._runner.step, self._runner.index)


def go_on(session: Session, runner: Runner, request: GoOn) -> bool:
    """See ``BatchDispatch.go_on``: all that the runner of a single step needs to do while all succeed."""
    state = RunState.read(session, runner.run)
    if state is None or len(state.steps) > 1 or state.halted(runner.clear_number):
        return False
    return BatchDispatch(session, runner, state.steps[0]).go_on(request)


def in_hand(session: Session, runner: Runner) -> int:
    """Return the place of the subtask that the runner of a batch works on; raises TryAgain, InvalidRow."""
    batch = Batch.read(session, runner.run, runner.step, runner.index)
    hand = batch.taken() if batch.life == runner.life else {}
    if len(hand) != 1:
        raise TryAgain(SUPERSEDED)
    return next(iter(hand))


def _is_all(hand: Mapping[int, Turn], claimed: Attempt | BatchOutcome) -> bool:
    """Whether a runner has in hand what it claims to have, and nothing else."""
    return {place: turn.attempts for place, turn in hand.items()} == {claimed.place: claimed.attempt}


def _subtask(place: int, turn: Turn, item: Item, new: int = 0, ahead: list[NextSubtask] | None = None) -> NextSubtask:
    tried = turn.attempts - turn.spent
    return NextSubtask(new=new, place=place, attempt=turn.attempts, tried=tried, item=item, ahead=ahead or [])


def _items(session: Session, runner: Runner, places: list[int]) -> list[tuple[int, str]]:
    query = select(Store.map_index, Store.value).where(
        Store.dag_run_id == runner.run.id,
        Store.task_id == runner.step,
        Store.key == store_keys.ITEM,
        Store.map_index.in_(places),
    )
    return sorted((index, text) for index, text in session.execute(query)) if places else []


def places(session: Session, runner: Runner, step: Step) -> list[int]:
    """Return the places of a task instance that have a subtask, in order."""
    first = runner.index * step.batch
    query = select(Store.map_index).where(
        Store.dag_run_id == runner.run.id,
        Store.task_id == runner.step,
        Store.key == store_keys.ITEM,
        Store.map_index >= first,
        Store.map_index < first + step.batch,
    )
    return sorted(session.scalars(query))
