"""One Airflow whose jobs have notifiers, a web server and a mail server that they call."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.waiting import until
from tests.sizes import CALM

DAGS = Path(__file__).parent / "dags"
CALLED: list[tuple[str, dict]] = []


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        CALLED.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Mails:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], str]] = []

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - the name is aiosmtpd's
        self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"

    def to(self, address: str) -> list[str]:
        return [text for addresses, text in self.got if address in addresses]


@pytest.fixture(scope="package")
def webhook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="package")
def mail_server() -> Iterator[tuple[Mails, int]]:
    mails = Mails()
    with socket.create_server(("127.0.0.1", 0)) as free:  # the controller takes no port 0
        port = free.getsockname()[1]
    controller = Controller(mails, hostname="127.0.0.1", port=port)
    controller.start()
    yield mails, port
    controller.stop()


@pytest.fixture(scope="package")
def notes(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="package")
def airflow(notes: Path, webhook: str, mail_server: tuple[Mails, int]) -> Iterator[Embedded]:
    env = {**CALM, "NOTES": str(notes), "WEBHOOK": webhook, "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "0.5"}
    with Embedded(dags=DAGS, parallelism=6, env=env) as embedded:
        extra = json.dumps({"disable_ssl": True, "disable_tls": True, "timeout": 25, "retry_limit": 1})
        body = {"conn_type": "smtp", "host": "127.0.0.1", "port": mail_server[1], "extra": extra}
        embedded.api.post("/connections", {"connection_id": "mail", **body})
        embedded.api.wait_for_dag("succeeds")
        yield embedded


@pytest.fixture(scope="package")
def runs(airflow: Embedded) -> dict[str, str]:
    """Start a run of each job, and two of one: most of them wait for something at the same time."""
    late = airflow.api.trigger("late")  # alone: it must start within the time that the other one waits in vain
    until(lambda: airflow.api.run("late", late)["state"] == "running", what="the start of a run of late")
    jobs = ("timed_out", "fails", "cancelled", "succeeds", "partial", "no_plan", "no_fold")
    others = {job: airflow.api.trigger(job) for job in jobs}
    return {"late": late, "late again": airflow.api.trigger("late"), **others}


@pytest.fixture(scope="package")
def mails(mail_server: tuple[Mails, int]) -> Mails:
    return mail_server[0]


@pytest.fixture
def read(notes: Path):
    """Return the notes of a run: what ``ToFile`` has written under a name."""

    def of(name: str, run_id: str) -> list[dict]:
        path = notes / f"{name}.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if line["mcp"]["run"] == run_id]

    return of


@pytest.fixture
def wait(read):
    """Wait for the notes of a run, and return them."""
    return lambda name, run_id: until(lambda: read(name, run_id), what=f"a note of {name}")


@pytest.fixture
def called():
    """Return the requests to the web server."""
    return CALLED
