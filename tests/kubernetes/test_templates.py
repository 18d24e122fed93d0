"""The templates as they are shipped, in pods: ten runners of each are killed, and the report is what it should be."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.plugin.pods.subject import INSTANCE
from tests.integration.templates.killer import Killer
from tests.integration.templates.plain_crawl import crawl
from tests.integration.templates.site import served
from tests.integration.templates.test_template_crawl_site import DEPTH, check
from tests.integration.templates.test_template_drain_queue import MESSAGES, SHARE, sent
from tests.integration.templates.test_template_fit_report import measured, write
from tests.integration.templates.test_template_matrix import packed
from tests.kubernetes.conftest import QUICK
from tests.kubernetes.runners import DATA, NAMESPACE, airflow_on

ROOT = Path(__file__).parents[2]
SECTIONS = "write_sections"


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


@pytest.fixture(scope="module")
def shipped(cluster, image, tmp_path_factory):
    """The jobs as they are, but for the minute between two attempts of one; a slim image has one compressor."""
    folder = tmp_path_factory.mktemp("templates") / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    folder.parent.parent.chmod(0o755)
    spec = folder / "jobs" / f"{SECTIONS}.yaml"
    spec.write_text(spec.read_text().replace("delay: 60s", "delay: 1s").replace("attempts: 3", "attempts: 6"))
    matrix = folder / "jobs" / "matrix.yaml"
    levels = (
        matrix.read_text().replace("[gzip, bzip2, xz]", "[gzip]").replace("[1, 6, 9]", "[1, 2, 3, 4, 5, 6, 7, 8, 9]")
    )
    matrix.write_text(levels)
    with airflow_on(cluster, image, dags=folder, parallelism=6, env=QUICK) as runners:
        yield runners


@pytest.fixture
def killed(shipped, cluster):
    """Run a job, kill ten of its runners, and give its result."""

    def run(job, conf, task="run", most=3):
        api = shipped.airflow.api
        api.wait_for_dag(job)
        run_id = api.trigger(job, conf)
        how = {"task": task, "most": most, "within": 0.2, "pause": 0.1}
        killer = PodKiller(shipped.airflow, job, run_id, cluster=cluster, core=shipped.core, **how)
        assert killer.until_the_end(500)["state"] == "success"
        assert killer.killed.total() == 10
        return shipped.result(job, run_id)

    yield run
    shipped.none_left()


def test_crawl_site(killed, cluster):
    with served(40, host=cluster.host) as site:
        result = killed("crawl_site", {"url": site.url, "depth": DEPTH, "delay": 0})
        wanted = crawl(f"{site.url}/", DEPTH)
    assert (result["state"], result["subtasks"], result["failed"]) == ("complete", len(wanted.statuses), 0)
    check(result["result"], wanted, site.url)


def test_matrix(killed, shipped):
    file = shipped.data / "file"
    file.write_bytes(random.Random(3).randbytes(40_000_000))  # takes long enough to be killed
    result = killed("matrix", {"file": f"{DATA}/file"})
    best = sorted((packed("gzip", level, file), f"gzip -{level}") for level in "123456789")
    assert result["result"]["best"] == [{"how": how, "bytes": size} for size, how in best]


def test_drain_queue(killed, shipped):
    folder = shipped.data / "spool"
    folder.mkdir()
    wanted, refused = sent(lambda number, text: (folder / f"{number:06}.json").write_text(text))
    open_to_pods(folder)
    ledger = f"{DATA}/spool/.ledger.db"
    result = killed("drain_queue", {"source": f"{DATA}/spool", "ledger": ledger, "per_subtask": SHARE, "pause": 0.03})
    told = {name: result["result"][name] for name in ("booked", "refused", "cents", "pending")}
    assert told == {"booked": MESSAGES - refused - 20, "refused": refused, "cents": wanted.total(), "pending": 0}
    with sqlite3.connect(folder / ".ledger.db") as database:
        assert dict(database.execute("SELECT account, cents FROM balances")) == wanted


def test_fit_report(killed, shipped):
    data, report = shipped.data / "groups", shipped.data / "report"
    wanted = dict(list(measured().items())[:6])
    for name, rows in wanted.items():
        write(data / f"{name}.csv", rows)
    report.mkdir()
    open_to_pods(report)
    conf = {"data": f"{DATA}/groups", "folder": f"{DATA}/report", "draws": 3000}
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
