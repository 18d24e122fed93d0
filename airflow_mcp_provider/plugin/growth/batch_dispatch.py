"""A runner of a batch takes its subtasks in turn: what the last one ended with, and which is the next.

Runs in the API server, in the transaction of the runner's question, under the counter's lock: a place that is given to
this task instance by an ``enqueue`` is seen by its runner, or goes to the next one. There is nothing in between. The
row of the batch is locked, too: a runner that only tells that it goes on, as while all goes well, needs no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InstallationError, InvalidRow, TryAgain
from airflow_mcp_provider.plugin.db import clock, rows, state_store
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.plugin.growth import batch_outcomes
from airflow_mcp_provider.plugin.growth.advance import Place, hand_on
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.run_state import Reserved, Step
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.runtime.backoff import Tries

GIVEN_UP = "this runner was given up, and another one does its subtask again"
NOT_HEARD = (
    "an API server did not keep what this runner told it: one of them runs without the plugin of airflow-mcp-provider, "
    "or with another version of it. `airflow mcp check` on each of them tells which"
)
AHEAD, AHEAD_BYTES = 16, 30_000
"""So many subtasks is a runner told of beforehand, of so many bytes together: it needs no answer to go on with them."""


class Taking:
    """One question: ``deliver``, then ``take``; or ``go_on`` alone. ``asked`` is the question's body."""

    def __init__(self, session: Session, runner: Runner, step: Step, asked: dict[str, Any]) -> None:
        self._session = session
        self._runner = runner
        self._asked = asked
        self._now = clock.now()
        self._places = places(session, runner, step)
        self._batch = Batch.locked(session, runner.run, runner.step, runner.index).in_life(runner.life, self._places)

    def deliver(self, state: Reserved) -> tuple[Reserved, dict[str, int]]:
        """Keep what the subtask in hand ended with; one that a lost runner had in hand has failed.

        Returns the counter, how many went on in the next step (``new``), and how many failed for good (``failed``).
        Raises TryAgain, InstallationError when what is said is of no subtask that this runner has in hand.
        """
        new = failed = 0
        said, hand = self._asked.get("ended"), self._batch.taken()
        if said and hand and not _is_all(hand, said):
            raise TryAgain(GIVEN_UP) if said["place"] in hand else InstallationError(NOT_HEARD)
        for place, turn in hand.items():
            state, went = self._end(state, place, turn, said or self._lost())
            new += went
            failed += self._batch.turns[place].status == "failed"
        self._write()
        return state, {"new": new, "failed": failed}

    def take(self, state: Reserved) -> tuple[Reserved, dict[str, Any]]:
        """Give the next subtask; else say when one is ``due`` again, else how all of them ended."""
        while (place := self._batch.next(self._places, self._now, fresh=self._asked["fresh"])) is not None:
            try:
                return state, {**self._taken(place), "ahead": self._ahead(state)}
            except InvalidRow as error:
                self._spoiled(place, error)
        if due := self._batch.due(self._places):
            return state, {"due": due[0].isoformat(), **self._told()}
        if state.step(self._runner.step).open == self._runner.index:
            state = state.closed(self._runner.step)
            state.write(self._session, self._runner.run)
        return state, {"over": True, **self._told()}

    def go_on(self) -> bool:
        """Keep how the subtask in hand ended, well, and begin the one that the runner was told to be next.

        False: things are otherwise, and nothing was changed. Asked again, for an answer that got lost, it is true.
        """
        said, taking = self._asked["ended"], self._asked["taking"]
        hand = self._batch.taken()
        if _is_all(hand, taking):
            return True
        begun = self._batch.begun(taking["place"], self._now)
        following = self._batch.untried(self._places)[:1] == [taking["place"]] and begun.attempts == taking["attempt"]
        if not _is_all(hand, said) or not following:
            return False
        self._keep(said["place"], self._succeeded(said["place"], hand[said["place"]], said))
        self._batch = self._batch.set(taking["place"], begun)
        self._write()
        return True

    def _taken(self, place: int) -> dict[str, Any]:
        turn, item = self._batch.begun(place, self._now), rows.item_of(self._read(place, protocol.ITEM))
        self._batch = self._batch.set(place, turn)
        self._write()
        return _given(place, turn, item)

    def _spoiled(self, place: int, error: InvalidRow) -> None:
        """Nobody can do this one: its item is damaged. It has failed, and the others are done."""
        begun = self._batch.begun(place, self._now)
        self._batch = self._batch.set(place, Turn("failed", begun.attempts, begun.spent))
        self._keep(place, {**self._told_of(begun), "error": rows.told(str(error))})
        self._write()

    def _ahead(self, state: Reserved) -> list[dict[str, Any]]:
        """Tell what comes next; not in a job with steps, whose items change when an earlier step is done again."""
        untried = self._batch.untried(self._places)[:AHEAD] if len(state.steps) == 1 else []
        ahead: list[dict[str, Any]] = []
        size = 0
        for place, text in _items(self._session, self._runner, untried):
            size += len(text)
            if size > AHEAD_BYTES or not rows.is_item(item := rows.parsed(text)):
                break
            ahead.append(_given(place, self._batch.begun(place, self._now), item))
        return ahead

    def _end(self, state: Reserved, place: int, turn: Turn, outcome: dict[str, Any]) -> tuple[Reserved, int]:
        if "error" in outcome:
            self._batch = self._batch.set(place, self._failed(turn, final=outcome.get("final", False)))
            self._keep(place, {**self._told_of(turn), "error": outcome["error"]})
            return state, 0
        kept = self._succeeded(place, turn, outcome)
        if state.after(self._runner.step) is None:
            self._keep(place, kept)
            return state, 0
        here = Place(self._runner.step, place, self._runner.life)
        state, answer = hand_on(self._session, self._runner.run, state, here, kept)
        return state, int(answer["new"])

    def _succeeded(self, place: int, turn: Turn, outcome: dict[str, Any]) -> dict[str, Any]:
        self._batch = self._batch.set(place, Turn("success", turn.attempts, turn.spent))
        return {**self._told_of(turn), "result": outcome.get("result")}

    def _told_of(self, turn: Turn) -> dict[str, Any]:
        return {"attempt": turn.attempts, "started": turn.at, "ended": self._now.isoformat()}

    def _failed(self, turn: Turn, *, final: bool) -> Turn:
        tried = turn.attempts - turn.spent
        tries = Tries(**self._asked["tries"])
        if final or tried >= tries.attempts:
            return Turn("failed", turn.attempts, turn.spent)
        due = self._now + timedelta(seconds=tries.pause(tried))
        return Turn("again", turn.attempts, turn.spent, due.isoformat())

    def _lost(self) -> dict[str, Any]:
        pod = self._text(self._runner.index, protocol.POD)
        return {"error": batch_outcomes.lost(rows.pod(pod), self._runner.attempt - 1)}

    def _told(self) -> dict[str, Any]:
        ended = [place for place in self._places if (turn := self._batch.turns.get(place)) and turn.status == "failed"]
        told = {"size": len(self._places), "failed": len(ended), "label": self.label()}
        return {**told, "first": self._first(ended[0])} if ended else told

    def label(self) -> str:
        """Name the task instance: its first subtask's key, and how many more there are."""
        key = self._key(self._places[0]) if self._places else ""
        more = f" +{len(self._places) - 1}" if len(self._places) > 1 else ""
        return key[: protocol.LABEL_CHARS - len(more)] + more

    def _first(self, place: int) -> str:
        error = rows.error_of(rows.outcome(self._text(place, protocol.OUTCOME))) or batch_outcomes.LOST
        return f"{self._key(place)}: {error['type']}: {error['message']}"[:1000]

    def _key(self, place: int) -> str:
        return rows.key_of(rows.parsed(self._text(place, protocol.ITEM)), self._runner.step, place)

    def _text(self, index: int, key: str) -> str | None:
        return state_store.text_of(self._session, self._runner.run, self._runner.step, index, key)

    def _read(self, index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
        return state_store.read(self._session, self._runner.run, self._runner.step, index, key)

    def _keep(self, place: int, outcome: dict[str, Any]) -> None:
        state_store.write(self._session, self._runner.run, self._runner.step, place, protocol.OUTCOME, outcome)

    def _write(self) -> None:
        self._batch.write(self._session, self._runner.run, self._runner.step, self._runner.index)


def go_on(session: Session, runner: Runner, asked: dict[str, Any]) -> bool:
    """See ``Taking.go_on``: all that a lone step's runner needs to do while all goes well."""
    state = Reserved.read(session, runner.run)
    if state is None or len(state.steps) > 1 or state.halted(runner.clear_number):
        return False
    return Taking(session, runner, state.steps[0], asked).go_on()


def _is_all(hand: Mapping[int, Turn], said: Mapping[str, Any]) -> bool:
    """Whether a runner has in hand what it says it has, and nothing else."""
    return {place: turn.attempts for place, turn in hand.items()} == {said["place"]: said["attempt"]}


def _given(place: int, turn: Turn, item: dict[str, Any]) -> dict[str, Any]:
    return {"place": place, "attempt": turn.attempts, "try": turn.attempts - turn.spent, "item": item}


def _items(session: Session, runner: Runner, places: list[int]) -> list[tuple[int, str]]:
    query = select(Store.map_index, Store.value).where(
        Store.dag_run_id == runner.run.id,
        Store.task_id == runner.step,
        Store.key == protocol.ITEM,
        Store.map_index.in_(places),
    )
    return sorted((index, text) for index, text in session.execute(query)) if places else []


def places(session: Session, runner: Runner, step: Step) -> list[int]:
    """Return the places of a task instance that have a subtask, in order."""
    first = runner.index * step.batch
    query = select(Store.map_index).where(
        Store.dag_run_id == runner.run.id,
        Store.task_id == runner.step,
        Store.key == protocol.ITEM,
        Store.map_index >= first,
        Store.map_index < first + step.batch,
    )
    return sorted(session.scalars(query))
