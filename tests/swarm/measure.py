"""Run a load in an Airflow of a given shape, and tell what came of it.

By hand: ``python -m tests.swarm.measure --width 12 --kids 4``; ``--help`` tells the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg2

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.swarm.figures import Kept, Measured, Times, Told
from tests.swarm.line import lines_of
from tests.swarm.load import Load
from tests.swarm.processor import Processor
from tests.swarm.readers import Readers, token_of

HERE = Path(__file__).parent
PATHS = os.pathsep.join(map(str, (HERE.parents[1], HERE / "on_path")))
OWN = 4
"""Slots for plan and report, beside the simulated runners."""


@dataclass(frozen=True)
class Topology:
    """``slots`` simulated runners at once, each with a heartbeat every ``beat`` seconds; None: as the settings say."""

    slots: int
    api_servers: int = 1
    schedulers: int = 1
    beat: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Running:
    """A run that runs, for who kills servers meanwhile."""

    airflow: Embedded
    swarm: Swarm
    begin: int
    ended: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)

    @property
    def hold(self) -> Path:
        """The file for which the run waits: it does not end while there is more to go wrong."""
        return self.swarm.log.with_name(f"released-{self.begin}")

    def release(self) -> None:
        """Let the run end."""
        self.hold.touch()

    def note(self, what: str) -> None:
        """Keep what went wrong, for who looks at the figures."""
        self.faults.append(what)

    def wait_for(self, confirmed: int, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Wait until so many subtasks were enqueued and confirmed; returns False when the run ends before."""
        while not self.ended.wait(0.2):
            meanwhile()
            if len(Told.of(lines_of(self.swarm.log, self.begin)).confirmed) >= confirmed:
                return True
        return False


Meddle = Callable[[Running], None]


@dataclass(frozen=True)
class Swarm:
    """An Airflow with simulated runners."""

    airflow: Embedded
    log: Path

    def measure(self, load: Load, limit: float = 600, meddle: Meddle | None = None) -> Measured:
        """Run ``load`` for at most ``limit`` seconds, with ``meddle`` beside it in a thread of its own."""
        token, begin = token_of(self.airflow), self.log.stat().st_size
        running = Running(self.airflow, self, begin)
        processor, begun = Processor(self.airflow), time.monotonic()
        run_id = self.airflow.api.trigger(load.dag, {**load.conf, **({"hold": str(running.hold)} if meddle else {})})
        readers = Readers(self.airflow, token, load.dag, run_id)
        try:
            state = self._follow(load, run_id, begun + limit, running, meddle)
        finally:
            ended = time.monotonic()
            readers.end()
            cpu = processor.end()
        told, kept = Told.of(lines_of(self.log, begin)), Kept.of(self.airflow, load, run_id)
        self._give_up(load, run_id, state)
        return _measured(load, state, ended - begun, told, kept, readers, ended, cpu, running.faults)

    def _follow(self, load: Load, run_id: str, until: float, running: Running, meddle: Meddle | None) -> str:
        with ThreadPoolExecutor(1) as pool:
            meddling = pool.submit(_released, meddle, running) if meddle else None
            try:
                state = self._wait(load, run_id, until)
            finally:
                running.ended.set()  # else the thread of ``meddle`` would go on, and the process would not end
            if meddling:
                meddling.result()
        return state

    def _wait(self, load: Load, run_id: str, until: float) -> str:
        state = self._state(load, run_id)
        while state not in {"success", "failed"} and time.monotonic() < until:
            time.sleep(0.25)
            state = self._state(load, run_id)
        return state

    def _state(self, load: Load, run_id: str) -> str:
        """From the database, which does not tell while it is started again."""
        with contextlib.suppress(psycopg2.OperationalError):
            query = "SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s"
            return str(self.airflow.sql(query, load.dag, run_id)[0][0])
        return "unknown"

    def _give_up(self, load: Load, run_id: str, state: str) -> None:
        """End a run that did not end in time, so that it does not disturb the next one."""
        if state not in {"success", "failed"}:
            with contextlib.suppress(httpx.HTTPError):
                self.airflow.api.cancel(load.dag, run_id)


def _released(meddle: Meddle, running: Running) -> None:
    """Do harm to a run, and let it end in any case."""
    try:
        meddle(running)
    finally:
        running.release()


def _measured(
    load: Load,
    state: str,
    seconds: float,
    told: Told,
    kept: Kept,
    readers: Readers,
    end: float,
    cpu: dict[str, float],
    faults: list[str],
) -> Measured:
    wanted = load.wanted
    return Measured(
        state=state,
        seconds=seconds,
        wanted=len(wanted),
        got=len(kept.succeeded & wanted),
        told=told,
        lost=tuple(map(kept.told, sorted((wanted | told.confirmed) - kept.succeeded))),
        doubled=tuple(sorted(kept.twice | told.twice)),
        reads=Times.of(took for _, took, _ in readers.reads),
        read_errors=sum(code != httpx.codes.OK for _, _, code in readers.reads),
        standstill=readers.standstill(end),
        cpu=cpu,
        faults=tuple(faults),
    )


@contextlib.contextmanager
def swarm(topology: Topology) -> Iterator[Swarm]:
    """Start an Airflow whose subtasks are simulated."""
    with tempfile.TemporaryDirectory(prefix="mcp-swarm-") as folder:
        log = Path(folder) / "record.jsonl"
        log.touch()
        with _embedded(topology, log) as airflow:
            for dag in ("swarm", "stock"):
                airflow.api.wait_for_dag(dag)
            yield Swarm(airflow, log)


def _embedded(topology: Topology, log: Path) -> Embedded:
    env = {
        "PYTHONPATH": PATHS,
        "AIRFLOW__CORE__EXECUTOR": "few:tests.swarm.executor.FewLocal,swarm:tests.swarm.executor.SwarmExecutor",
        "AIRFLOW__CORE__MAX_MAP_LENGTH": "100000",  # the list of a plan by hand; our own plans need no such setting
        "SWARM_LOG": str(log),
        "SWARM_SLOTS": str(topology.slots),
        **({} if topology.beat is None else {"SWARM_BEAT": str(topology.beat)}),
        **topology.env,
    }
    return Embedded(
        dags=HERE / "dags",
        schedulers=topology.schedulers,
        api_servers=topology.api_servers,
        parallelism=topology.slots + OWN,
        env=env,
    )


def main() -> None:
    """Measure one run."""
    parser = argparse.ArgumentParser("swarm", description="A run with simulated runners.")
    parser.add_argument("--dag", choices=("swarm", "stock"), default="swarm")
    for name, default in (("width", 12), ("kids", 4), ("deep", 1), ("each", 1), ("slots", 100), ("api-servers", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--schedulers", type=int, default=1)
    parser.add_argument("--sleep", type=float, default=0, help="seconds that a subtask takes")
    parser.add_argument("--beat", type=float, help="seconds between a runner's heartbeats")
    parser.add_argument("--limit", type=float, default=600, help="seconds that the run may take")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of all processes")
    told = parser.parse_args()
    env = dict(one.split("=", 1) for one in told.env)
    with swarm(Topology(told.slots, told.api_servers, told.schedulers, told.beat, env)) as started:
        load = Load(told.width, told.kids, told.deep, told.sleep, told.each, told.dag)
        sys.stdout.write(f"{started.measure(load, told.limit)}\n")


if __name__ == "__main__":
    main()
