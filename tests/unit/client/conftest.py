"""The real application of the HTTP API behind a real socket, on Airflow's own tables in SQLite; the token is the user."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dagrun import DagRun
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import select
from structlog.testing import capture_logs

from airflow_mcp_provider.client import JobClient
from airflow_mcp_provider.client.models import PREFIX
from tests.sizes import patient
from tests.unit.plugin.conftest import materializer  # noqa: F401 - fixtures
from tests.unit.plugin.http_api.conftest import (  # noqa: F401 - likewise
    built,
    database,
    empty,
    engine,
    job,
    make_job,
    set_run,
)
from tests.unit.waiting import until


def _user(request: Request):
    name = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not name or name == "expired":
        raise HTTPException(401, "Not authenticated")
    return SimpleAuthManagerUser(username=name, role="viewer" if name == "victor" else "user")


@contextmanager
def served(app):
    """Serve an application on a free port of the loopback interface."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="error",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=600,  # a slow client would find its connection closed
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(patient(30))


def root(app, database):  # noqa: F811 - the fixture
    """What stands around our application in an API server, as far as the client uses it."""

    @asynccontextmanager
    async def lifespan(_):
        async with app.router.lifespan_context(app):
            yield

    made = FastAPI(lifespan=lifespan)

    @made.post("/auth/token", status_code=201)
    def token(body: dict):
        if body["password"] != "right":
            raise HTTPException(401, "Invalid credentials")
        return {"access_token": body["username"]}

    @made.get("/api/v2/version")
    def version():
        return {"version": "3.3.2"}

    @made.get("/api/v2/dags/~/dagRuns")
    def runs(run_id_pattern: str):
        with database() as session:
            found = session.scalars(select(DagRun).where(DagRun.run_id.contains(run_id_pattern))).all()
            return {"dag_runs": [{"dag_id": one.dag_id, "dag_run_id": one.run_id, "more": 1} for one in found]}

    made.mount(PREFIX, app)
    return made


@pytest.fixture
def application():
    return built(_user)


@pytest.fixture
def url(application, database):  # noqa: F811 - the fixture
    # The log of the server is not the output of the command.
    with capture_logs(), served(root(application, database)) as url:
        yield url


@pytest.fixture
def once_followed(application):
    """Do something in another thread as soon as a client follows a run, or waits for its end."""

    def followed(run):
        watched = list(application.state.watches._watched.values())
        return any(one.clients and one.run_id == (run or one.run_id) for one in watched)

    def do(what, run):
        until(lambda: followed(run))
        what()

    with ThreadPoolExecutor(1) as pool:
        done = []
        yield lambda what, run=None: done.append(pool.submit(do, what, run))
    for one in done:
        one.result()


@pytest.fixture
def jobs(url):
    with JobClient(url, token="anna", patience=5) as client:
        yield client
