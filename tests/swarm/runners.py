"""The process of the simulated runners: ``python -m tests.swarm.runners SETTINGS``, started by the executor.

Reads a workload a line, writes ``[task instance, ended well]`` a line. Imports no Airflow. A runner asks what a real one
asks: start, item, for each enqueue a write and a read of the answer, outcome, end. It sends a heartbeat between two calls
when one is due, as Airflow's supervisor does, which has one thread for both.
"""

import asyncio
import itertools
import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow_mcp_provider.runtime import size_limits, store_keys
from tests.swarm.line import Exchange, Line, RunnerEnds, Settings, lines
from tests.swarm.load import children

pids = itertools.count(1)


class Runner:
    """One attempt of one task instance."""

    def __init__(self, exchange: Exchange, workload: dict[str, Any]) -> None:
        self.ti = workload["ti"]
        self.record = exchange.record
        self._every = exchange.settings.beat
        self._line = Line(exchange, workload["token"])
        self._who = {"pid": next(pids), "hostname": f"swarm-{os.getpid()}"}
        self._instance = f"task-instances/{self.ti['id']}"
        self._beaten = 0.0

    async def live(self) -> bool:
        """Do it; returns whether it ended well."""
        try:
            await self._start()
            await self._work()
        except RunnerEnds as error:
            self.record.write(ends=str(error), index=self.ti["map_index"], at=time.time())
            return False
        return True

    async def call(self, kind: str, method: str, path: str, body: object = None) -> Any:
        """Call, and send the heartbeat when it is due."""
        answer = await self._line.call(kind, method, path, body)
        if time.monotonic() - self._beaten >= self._every:
            await self._beat()
        return answer

    async def sleep(self, seconds: float) -> None:
        """Work for a while."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            await asyncio.sleep(min(until - now, max(0.0, self._beaten + self._every - now)))
            if time.monotonic() < until:
                await self._beat()

    async def _start(self) -> None:
        self._beaten = time.monotonic()
        body = {"state": "running", "unixname": "swarm", "start_date": _now(), **self._who}
        self.run = (await self._line.call("start", "PATCH", f"{self._instance}/run", body))["dag_run"]

    async def _beat(self) -> None:
        self._beaten = time.monotonic()
        await self._line.call("heartbeat", "PUT", f"{self._instance}/heartbeat", self._who)

    def begun(self, key: str) -> None:
        """Note which subtask this is."""
        self.record.write(begun=key, attempt=self.ti["try_number"], index=self.ti["map_index"])

    async def end(self, key: str | None) -> None:
        """Tell that it ended well."""
        body = {"state": "success", "end_date": _now(), "task_outlets": [], "outlet_events": []}
        label = key and key[: size_limits.LABEL_CHARS]
        # Not ``call``: a supervisor sends no heartbeat after this.
        await self._line.call("end", "PATCH", f"{self._instance}/state", {**body, "rendered_map_index": label})

    async def _work(self) -> None:
        raise NotImplementedError


class Mapped(Runner):
    """A mapped task that was written by hand: reads the list it is mapped over, shows its arguments, does nothing."""

    async def _work(self) -> None:
        index = self.ti["map_index"]
        self.begun(str(index))
        names = f"{self.ti['dag_id']}/{quote(self.ti['run_id'], safe='')}"
        found = await self.call("xcom", "GET", f"xcoms/{names}/plan/return_value")
        shown = {"op_args": [], "op_kwargs": {"number": found["value"][index]}}
        await self.call("shown", "PUT", f"{self._instance}/rtif", shown)
        await self.sleep(self.run["conf"]["sleep"])
        await self.end(None)


class Subtask(Runner):
    """A subtask of a job, as ``operators.run`` does one."""

    async def _work(self) -> None:
        item = await self._get("item", store_keys.ITEM)
        if stopped := item.get("stopped"):
            raise RunnerEnds(f"stopped: {stopped}")
        self.begun(item["key"])
        if not item.get("done"):
            await self._enqueue_all(item)
            await self._hold(item["payload"]["hold"])
            await self.sleep(item["payload"]["sleep"])
            outcome = {"attempt": self.ti["try_number"], "result": {"n": item["key"]}}
            await self._set("outcome", store_keys.OUTCOME, outcome)
        await self.end(item["key"])

    async def _enqueue_all(self, item: dict[str, Any]) -> None:
        name, each = uuid.uuid4().hex[:12], int(item["payload"]["each"])
        kids = children(item["key"], item["payload"])
        for number, first in enumerate(range(0, len(kids), each)):
            await self._enqueue({"children": kids[first : first + each], "call": f"{name}.{number}"})

    async def _hold(self, file: str) -> None:
        """Wait for a file, if there is a name: the run does not end before."""
        while file and not await asyncio.to_thread(Path(file).exists):
            await self.sleep(0.2)

    async def _enqueue(self, body: dict[str, Any]) -> None:
        """Ask as ``operators.server_client`` does; what was confirmed is noted, for it must be there in the end."""
        at, begin = time.time(), time.perf_counter()
        await self._set("enqueue: write", store_keys.ENQUEUE, body)
        answer = await self._get("enqueue: answer", store_keys.ANSWER_TO + body["call"])
        if answer.get("call") != body["call"] or "refused" in answer:
            raise RunnerEnds(f"enqueue: {answer}")
        took = round(time.perf_counter() - begin, 4)
        self.record.write(confirmed=[key for key, _ in body["children"]], took=took, at=round(at, 3))

    async def _get(self, kind: str, key: str) -> Any:
        return (await self.call(kind, "GET", f"store/ti/{self.ti['id']}/{key}"))["value"]

    async def _set(self, kind: str, key: str, value: object) -> None:
        await self.call(kind, "PUT", f"store/ti/{self.ti['id']}/{key}", {"value": value})


def _now() -> str:
    return datetime.now(UTC).isoformat()


async def one(exchange: Exchange, workload: dict[str, Any]) -> None:
    """Be one runner, and tell the executor how it ended."""
    kind = Mapped if workload["ti"]["dag_id"] == "stock" else Subtask
    ok = await kind(exchange, workload).live()
    os.write(sys.stdout.fileno(), json.dumps([workload["ti"]["id"], ok]).encode() + b"\n")


async def main(settings: Settings) -> None:
    """Start a runner a line, until there is nobody who writes them."""
    exchange, reader = Exchange(settings), await lines()
    async with exchange.client, asyncio.TaskGroup() as runners:
        while line := await reader.readline():
            runners.create_task(one(exchange, json.loads(line)))
        os._exit(0)  # the scheduler has ended: its runners are gone with it, as with a machine


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    run(main(Settings(**json.loads(sys.argv[1]))))
