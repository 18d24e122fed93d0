"""A runner of a batch takes its subtasks in turn: what the last one ended with, and which is the next.

Runs in the API server, in the transaction of the runner's question, under the counter's lock: a place that is given to
this task instance by an ``enqueue`` is seen by its runner, or goes to the next one. There is nothing in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import TryAgain
from airflow_mcp_provider.plugin.growth import batched, store
from airflow_mcp_provider.plugin.growth.batch import Batch, Turn
from airflow_mcp_provider.plugin.growth.handing_on import Place, hand_on
from airflow_mcp_provider.plugin.growth.reserved import Reserved, Step
from airflow_mcp_provider.plugin.growth.seam import DagRun, Store, TaskInstance, TaskScope
from airflow_mcp_provider.plugin.growth.store import RunRef
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.runtime.pauses import Tries


@dataclass(frozen=True, slots=True)
class Runner:
    """Who asks: the runner of a task instance, at which of Airflow's tries, in which of its lives."""

    run: RunRef
    step: str
    index: int
    attempt: int
    life: int
    clear_number: int

    @classmethod
    def of(cls, session: Session, run: RunRef, scope: TaskScope) -> Runner:
        """Find it; raises TryAgain when the task instance is gone."""
        query = (
            select(TaskInstance.try_number, TaskInstance.max_tries, DagRun.clear_number)
            .join(DagRun, (DagRun.dag_id == TaskInstance.dag_id) & (DagRun.run_id == TaskInstance.run_id))
            .where(DagRun.id == run.id)
            .where(TaskInstance.task_id == scope.task_id, TaskInstance.map_index == scope.map_index)
        )
        row = session.execute(query).one_or_none()
        if row is None:
            raise TryAgain("the task instance is gone")
        return cls(run, scope.task_id, scope.map_index, *row)


class Taking:
    """One question: ``deliver``, then ``take``. ``asked`` is the question's body."""

    def __init__(self, session: Session, runner: Runner, step: Step, asked: dict[str, Any]) -> None:
        self._session = session
        self._runner = runner
        self._asked = asked
        self._tries = Tries(**asked["tries"])
        self._now = datetime.now(UTC)
        self._places = places(session, runner, step)
        self._batch = Batch.read(session, runner.run, runner.step, runner.index).in_life(runner.life, self._places)

    def deliver(self, state: Reserved) -> tuple[Reserved, dict[str, int]]:
        """Keep what the subtask in hand ended with; one that a lost runner had in hand has failed.

        Returns the counter, how many went on in the next step (``new``), and how many failed for good (``failed``).
        """
        new = failed = 0
        said = self._asked.get("ended")
        for place, turn in self._batch.taken().items():
            outcome = said if said and said["place"] == place and said["attempt"] == turn.attempts else self._lost()
            state, went = self._end(state, place, turn, outcome)
            new += went
            failed += self._batch.turns[place].status == "failed"
        self._write()
        return state, {"new": new, "failed": failed}

    def take(self, state: Reserved) -> tuple[Reserved, dict[str, Any]]:
        """Give the next subtask; else say when one is ``due`` again, else how all of them ended."""
        place = self._batch.next(self._places, self._now, fresh=self._asked["fresh"])
        if place is not None:
            return state, self._taken(place)
        if due := self._batch.due(self._places):
            return state, {"due": due[0].isoformat(), **self._told()}
        if state.step(self._runner.step).open == self._runner.index:
            state = state.closed(self._runner.step)
            state.write(self._session, self._runner.run)
        return state, {"over": True, **self._told()}

    def _taken(self, place: int) -> dict[str, Any]:
        before = self._batch.turns.get(place, Turn("again", 0))
        turn = Turn("taken", before.attempts + 1, before.spent, self._now.isoformat())
        self._batch = self._batch.set(place, turn)
        self._write()
        item = self._read(place, wire.ITEM)
        return {"place": place, "attempt": turn.attempts, "try": turn.attempts - turn.spent, "item": item}

    def _end(self, state: Reserved, place: int, turn: Turn, outcome: dict[str, Any]) -> tuple[Reserved, int]:
        kept = {"attempt": turn.attempts, "started": turn.at, "ended": self._now.isoformat()}
        if "error" in outcome:
            self._batch = self._batch.set(place, self._failed(turn, final=outcome.get("final", False)))
            self._keep(place, {**kept, "error": outcome["error"]})
            return state, 0
        self._batch = self._batch.set(place, Turn("success", turn.attempts, turn.spent))
        kept["result"] = outcome.get("result")
        if state.after(self._runner.step) is None:
            self._keep(place, kept)
            return state, 0
        here = Place(self._runner.step, place, self._runner.life)
        state, answer = hand_on(self._session, self._runner.run, state, here, kept)
        return state, int(answer["new"])

    def _failed(self, turn: Turn, *, final: bool) -> Turn:
        tried = turn.attempts - turn.spent
        if final or tried >= self._tries.attempts:
            return Turn("failed", turn.attempts, turn.spent)
        due = self._now + timedelta(seconds=self._tries.pause(tried))
        return Turn("again", turn.attempts, turn.spent, due.isoformat())

    def _lost(self) -> dict[str, Any]:
        pod = self._read(self._runner.index, wire.POD)
        return {"error": batched.lost(pod, self._runner.attempt - 1)}

    def _told(self) -> dict[str, Any]:
        ended = [place for place in self._places if (turn := self._batch.turns.get(place)) and turn.status == "failed"]
        told = {"size": len(self._places), "failed": len(ended), "label": self.label()}
        return {**told, "first": self._first(ended[0])} if ended else told

    def label(self) -> str:
        """Name the task instance: its first subtask's key, and how many more there are."""
        key: str = self._read(self._places[0], wire.ITEM)["key"] if self._places else ""
        more = f" +{len(self._places) - 1}" if len(self._places) > 1 else ""
        return key[: wire.LABEL_CHARS - len(more)] + more

    def _first(self, place: int) -> str:
        error = self._read(place, wire.OUTCOME)["error"]
        return f"{self._read(place, wire.ITEM)['key']}: {error['type']}: {error['message']}"[:1000]

    def _read(self, index: int, key: str) -> Any:  # noqa: ANN401 - any JSON
        return store.read(self._session, self._runner.run, self._runner.step, index, key)

    def _keep(self, place: int, outcome: dict[str, Any]) -> None:
        store.write(self._session, self._runner.run, self._runner.step, place, wire.OUTCOME, outcome)

    def _write(self) -> None:
        self._batch.write(self._session, self._runner.run, self._runner.step, self._runner.index)


def places(session: Session, runner: Runner, step: Step) -> list[int]:
    """Return the places of a task instance that have a subtask, in order."""
    first = runner.index * step.batch
    query = select(Store.map_index).where(
        Store.dag_run_id == runner.run.id,
        Store.task_id == runner.step,
        Store.key == wire.ITEM,
        Store.map_index >= first,
        Store.map_index < first + step.batch,
    )
    return sorted(session.scalars(query))
