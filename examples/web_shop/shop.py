"""A web shop with a button "Generate report": a FastAPI app in front of a job of Airflow.

The app has no queue and no worker of its own. Airflow has them: it knows how many reports wait, runs one after the
other, and goes on when this app is restarted.

    AIRFLOW_URL=http://localhost:8080 AIRFLOW_USER=admin AIRFLOW_PASSWORD=… uvicorn shop:app
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel

from airflow_mcp_provider.client import Accepted, AsyncJobClient, Cancelled, Run
from airflow_mcp_provider.errors import NotFound, Refused, RequestFailed

JOB = "sales_report"
PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one client, and its connections, as long as the app runs."""
    where, user, password = (os.environ[f"AIRFLOW_{name}"] for name in ("URL", "USER", "PASSWORD"))
    async with AsyncJobClient(where, user=user, password=password) as app.state.jobs:
        yield


app = FastAPI(title="Web shop", lifespan=lifespan)


def client(request: Request) -> AsyncJobClient:
    """Return the client of the app."""
    found: AsyncJobClient = request.app.state.jobs
    return found


Jobs = Annotated[AsyncJobClient, Depends(client)]


class Wanted(BaseModel):
    """What the button sends. ``click`` is new for each click: a request that is sent twice makes one report."""

    shop: str
    year: int = 2026
    pause: float = 1
    click: str


@app.get("/")
def page() -> FileResponse:
    """Show the page."""
    return FileResponse(PAGE)


@app.post("/reports", status_code=202)
async def generate(wanted: Wanted, jobs: Jobs) -> Accepted:
    """Submit a run; respond at once with its place in the queue."""
    conf = {"shop": wanted.shop, "year": wanted.year, "pause": wanted.pause}
    return await jobs.submit(JOB, conf, key=wanted.click, note=f"for {wanted.shop}")


@app.get("/reports/{run}")
async def read(run: str, jobs: Jobs) -> Run:
    """Return the report: its place, its progress, its result."""
    return await jobs.run(JOB, run)


@app.get("/events")
async def follow(run: Annotated[list[str], Query()], jobs: Jobs) -> StreamingResponse:
    """Send the document of each report when it changes, as server-sent events.

    All reports over one connection: a browser opens six of them, and would wait with the next click.
    """
    return StreamingResponse(events(jobs, run), media_type="text/event-stream")


async def events(jobs: AsyncJobClient, runs: list[str]) -> AsyncIterator[str]:
    """Yield the documents of several runs as they come, until all have ended."""
    found: asyncio.Queue[Run | None] = asyncio.Queue()

    async def pass_on(name: str) -> None:
        try:
            async for one in jobs.stream(JOB, name):
                await found.put(one)
        except NotFound:
            pass  # it was deleted; the others go on
        finally:
            await found.put(None)

    tasks = [asyncio.create_task(pass_on(name)) for name in runs]
    try:
        for _ in tasks:
            while one := await found.get():
                yield f"data: {one.model_dump_json()}\n\n"
    finally:
        for task in tasks:
            task.cancel()


@app.post("/reports/{run}/cancel")
async def cancel(run: str, jobs: Jobs) -> Cancelled:
    """Cancel the report, queued or running."""
    return await jobs.cancel(JOB, run, reason="cancelled in the shop", grace=2)


@app.exception_handler(RequestFailed)
def failed(_: Request, error: RequestFailed) -> JSONResponse:
    """Pass on why a request failed; a full queue with the time when to try again."""
    later = {"Retry-After": f"{error.retry_after:.0f}"} if isinstance(error, Refused) and error.retry_after else {}
    return JSONResponse({"detail": error.detail}, error.status or 503, headers=later)
