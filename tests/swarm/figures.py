"""What came of a run with simulated runners, out of their record and out of the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.runtime import store_keys
from tests.swarm.load import Load


@dataclass(frozen=True)
class Times:
    """How long something took, in seconds."""

    n: int
    p50: float
    p95: float
    max: float

    @classmethod
    def of(cls, took: Iterable[float]) -> Times:
        """Sum up."""
        sorted_ = sorted(took) or [0.0]
        of = len(sorted_) - 1
        return cls(len(sorted_), sorted_[round(of * 0.5)], sorted_[round(of * 0.95)], sorted_[-1])

    def __str__(self) -> str:
        return f"{self.p50:.3f} / {self.p95:.3f} / {self.max:.2f} s ({self.n})"


@dataclass(frozen=True)
class Told:
    """What the runners wrote down. ``calls``: by kind, each try a call; ``enqueue`` is write and answer together.

    ``failed``: answers of 500 and more; ``timeouts``: calls without an answer in time; ``broken``: connections refused
    or cut; ``ends``: why runners ended without success. ``confirmed``: keys whose enqueue was confirmed.
    """

    calls: Mapping[str, Times]
    failed: int
    timeouts: int
    broken: int
    ends: tuple[str, ...]
    confirmed: frozenset[str]
    twice: frozenset[str]
    enqueue_rate: float

    @classmethod
    def of(cls, record: list[dict[str, Any]]) -> Told:
        """Read it."""
        calls = [line for line in record if "call" in line]
        codes = Counter(line["code"] for line in calls)
        enqueues = [line for line in record if "confirmed" in line]
        return cls(
            calls=_by_kind(calls, enqueues),
            failed=sum(number for code, number in codes.items() if isinstance(code, int) and code >= 500),
            timeouts=codes["timeout"],
            broken=sum(number for code, number in codes.items() if isinstance(code, str)) - codes["timeout"],
            ends=tuple(line["ends"] for line in record if "ends" in line),
            confirmed=frozenset(key for line in enqueues for key in line["confirmed"]),
            twice=frozenset(_twice((line["begun"], line["attempt"]) for line in record if "begun" in line)),
            enqueue_rate=_rate(enqueues),
        )


def _by_kind(calls: list[dict[str, Any]], enqueues: list[dict[str, Any]]) -> dict[str, Times]:
    took: dict[str, list[float]] = defaultdict(list)
    for line in calls:
        took[line["call"]].append(line["took"])
    if enqueues:
        took["enqueue"] = [line["took"] for line in enqueues]
    return {kind: Times.of(seconds) for kind, seconds in took.items()}


def _rate(enqueues: list[dict[str, Any]]) -> float:
    """Enqueues a second, from the first one's begin to the last one's end."""
    if not enqueues:
        return 0.0
    return len(enqueues) / (max(one["at"] + one["took"] for one in enqueues) - min(one["at"] for one in enqueues))


def _twice(begun: Iterable[tuple[str, int]]) -> set[str]:
    """Return the keys that two runners began on the same attempt."""
    return {key for (key, _), number in Counter(begun).items() if number > 1}


@dataclass(frozen=True)
class Kept:
    """What is in the database when the run has ended: places by key, which of the keys succeeded, states by place."""

    places: Mapping[str, tuple[int, ...]]
    succeeded: frozenset[str]
    states: Mapping[int, str]

    @classmethod
    def of(cls, airflow: Embedded, load: Load, run_id: str) -> Kept:
        """Read it."""
        query = """SELECT map_index, state, try_number FROM task_instance
            WHERE dag_id = %s AND run_id = %s AND task_id = 'run'"""
        rows = [row for row in airflow.sql(query, load.dag, run_id) if row[0] >= 0]
        states = {index: state for index, state, _ in rows}
        keys = _keys(airflow, run_id) if load.dag == "swarm" else [(str(index), index) for index in states]
        places: dict[str, tuple[int, ...]] = defaultdict(tuple)
        for key, index in keys:
            places[key] += (index,)
        good = frozenset(key for key, found in places.items() if all(states.get(one) == "success" for one in found))
        return cls(places, good, {index: f"{state} on attempt {attempt}" for index, state, attempt in rows})

    def told(self, key: str) -> str:
        """Return a key with the state of its task instances."""
        return (
            f"{key}: {', '.join(self.states.get(place, 'missing') for place in self.places.get(key, ())) or 'no place'}"
        )

    @property
    def twice(self) -> set[str]:
        """The keys that have two places."""
        return {key for key, found in self.places.items() if len(found) > 1}


def _keys(airflow: Embedded, run_id: str) -> list[tuple[str, int]]:
    query = "SELECT value::json ->> 'key', map_index FROM task_state_store WHERE run_id = %s AND key = %s"
    return [(key, index) for key, index in airflow.sql(query, run_id, store_keys.ITEM)]


@dataclass(frozen=True)
class Measured:
    """A run: ``lost`` are keys with their states, ``doubled`` keys, ``cpu`` CPU seconds by part, ``faults`` what was done to it."""

    state: str
    seconds: float
    wanted: int
    got: int
    told: Told
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    reads: Times
    read_errors: int
    standstill: float
    cpu: Mapping[str, float]
    faults: tuple[str, ...] = ()

    @property
    def enqueue(self) -> Times:
        """How long an enqueue took, from its write to its answer."""
        return self.told.calls.get("enqueue", Times.of([]))

    def __str__(self) -> str:
        told = self.told
        lines = [
            f"{self.state} after {self.seconds:.1f} s: {self.got} of {self.wanted} subtasks",
            *(f"lost: {one}" for one in self.lost[:5]),
            f"{len(self.lost)} lost, {len(self.doubled)} doubled; {told.enqueue_rate:.1f} enqueues a second",
            f"calls: {told.failed} answers of 500 and more, {told.timeouts} timed out, {told.broken} cut or refused",
            *(f"  {kind:16} {times}" for kind, times in told.calls.items()),
            f"reads of the UI  {self.reads}, {self.read_errors} without success, none for {self.standstill:.1f} s",
            f"CPU seconds: {', '.join(f'{part} {seconds}' for part, seconds in self.cpu.items())}",
            *(f"fault: {what} ({number} x)" for what, number in Counter(self.faults).items()),
            *(f"a runner ended: {why} ({number} x)" for why, number in Counter(told.ends).most_common(5)),
        ]
        return "\n".join(lines)
