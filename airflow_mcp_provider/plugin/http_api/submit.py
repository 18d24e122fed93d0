"""Create a run of a job, once per key: a request that is sent twice creates one run, also at the same instant.

The run's id has the hash of the key and of the user, so the unique constraint of Airflow's table decides which of two
requests creates the run; ``keys`` has the hash of the body. A run is accepted or refused at the commit
(``plugin.admission``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Accepted, RunState, Submit
from airflow_mcp_provider.plugin.admission.admit import refuse_early
from airflow_mcp_provider.plugin.admission.refusal import RunRefused
from airflow_mcp_provider.plugin.admission.rules import Submitted, wrong_conf
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.states import RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Log, create_session
from airflow_mcp_provider.plugin.http_api import checks, keys
from airflow_mcp_provider.plugin.http_api.airflow_internals import (
    DagRunTriggeredByType,
    DagRunType,
    ParamValidationError,
    latest_dag,
)
from airflow_mcp_provider.plugin.http_api.problems import ApiError, not_found
from airflow_mcp_provider.plugin.status import addresses, import_errors, job_rows, queues, run_rows
from airflow_mcp_provider.plugin.status.job_rows import JobRow
from airflow_mcp_provider.spec.marker import PRIORITY

AUDITED = "submit_run"
"""The event in Airflow's audit log."""
RUNS_OF_ETA = 10
LONGEST_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class Request:
    """A submit: the job, the user by name and id, and the body, whose ``key`` may be that of the header.

    ``may_see_errors``: whether the user may read import errors.
    """

    job: str
    user: str
    user_id: str
    body: Submit
    may_see_errors: bool = False

    @property
    def key(self) -> keys.Key | None:
        """The key of the request; None without one."""
        if self.body.key is None:
            return None
        return keys.Key(self.job, self.user_id, self.body.key, self.body.model_dump(mode="json", exclude={"key"}))

    @property
    def conf(self) -> dict[str, Any]:
        """The conf of the run."""
        own = {} if self.body.priority is None else {PRIORITY: self.body.priority}
        return {**self.body.conf, **own}


@dataclass(frozen=True, slots=True)
class Made:
    """The run of a submit; ``new``: this request has created it."""

    run_id: str
    new: bool


def submit(request: Request) -> Made:
    """Return the run of a request, and create it if there is none; raises RunRefused and ApiError.

    In sessions of its own: after the commit nothing of it is held.
    """
    checks.check(request.body)
    try:
        return _at_most_twice(request)
    except RunRefused as error:
        if error.refusal.rule == "unique" and error.refusal.run is not None:
            return _same(request, error.refusal.run)
        raise


def _same(request: Request, run_id: str) -> Made:
    """Return the run that does the same work already; it is that of the request's key from now on."""
    if request.key is not None:
        with create_session(scoped=False) as session:
            keys.point(session, request.key, run_id)
    return Made(run_id, new=False)


def _at_most_twice(request: Request) -> Made:
    try:
        return _submit(request)
    except IntegrityError:
        # The same key at the same instant: the run is there now. Without a key: two ids had the same microsecond.
        return _submit(request)


def _submit(request: Request) -> Made:
    with create_session(scoped=False) as session:
        return _known(session, request) or _create(session, request)


def _known(session: Session, request: Request) -> Made | None:
    """Return the run of the request's key; raises ApiError where the body differs."""
    if request.key is None:
        return None
    unique = bool(queues.marker(session, request.job).submit.unique)
    run_id = keys.find(session, request.key, others=unique)
    return None if run_id is None else Made(run_id, new=False)


def _create(session: Session, request: Request) -> Made:
    job = _submittable(session, request)
    run_id = None if request.key is None else request.key.run_id
    new = Submitted(request.job, run_id or "", request.user, request.conf)
    dag = latest_dag(session, job.job)
    if dag is None:
        raise not_found(f"DAG of the job {job.job}")
    # Before the numbers: a client that gets 429 sends the same conf again.
    _check_conf(dag, new)
    refuse_early(session, new)
    run = _add(session, dag, request, run_id)
    session.add(Log(AUDITED, owner=request.user, owner_display_name=request.user, dag_id=job.job, run_id=run.run_id))
    if request.body.note:
        run.note = (request.body.note, request.user_id)
    session.flush()
    if request.key is not None:
        keys.keep(session, request.key, RunRef(run.id, job.job, run.run_id))
    return Made(run.run_id, new=True)


def _check_conf(dag: Any, new: Submitted) -> None:  # noqa: ANN401 - a SerializedDAG
    """Raise ApiError for a conf that does not fit the params."""
    # A misspelt param is missing, too: its name says more.
    if (unknown := wrong_conf(new, frozenset(dag.params))) is not None:
        raise _invalid_conf(unknown.text)
    try:
        dag.params.deep_merge(new.conf).validate()
    except (ParamValidationError, ValueError) as error:
        raise _invalid_conf(f"conf: {error}") from error


def _invalid_conf(text: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "conf", text[:2000])


def _add(session: Session, dag: Any, request: Request, run_id: str | None) -> DagRun:  # noqa: ANN401 - likewise
    # Never in the past: the queue is in the order of this time.
    start = max(clock.now(), request.body.not_before) if request.body.not_before else clock.now()
    # Of the present time: two runs may have the same ``not_before``.
    run_id = run_id or dag.timetable.generate_run_id(
        run_type=DagRunType.MANUAL, run_after=clock.now(), data_interval=None
    )
    try:
        run: DagRun = dag.create_dagrun(
            run_id=run_id,
            run_after=start,
            conf=request.conf,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=request.user,
            state=DagRunState.QUEUED,
            session=session,
        )
    except ValueError as error:  # of the run's id, which an installation can restrict
        raise _invalid_conf(str(error)) from error
    return run


def _submittable(session: Session, request: Request) -> JobRow:
    name = request.job
    job = job_rows.one(session, name)
    if job is None:
        raise not_found(f"job {name}")
    if not job.stale:  # with an import error its runs have the last valid version of the spec
        return job
    if (wrong := import_errors.of(session, [job], traces=request.may_see_errors).get(name)) is not None:
        raise ApiError(HTTPStatus.CONFLICT, "invalid_spec", f"job {name} has an import error: {wrong[-1000:]}")
    raise ApiError(HTTPStatus.CONFLICT, "invalid_spec", f"job {name}: its DAG file does not define it any more")


def accepted(session: Session, job: str, run_id: str) -> Accepted:
    """Return the answer to a submit: where the run is now; raises ApiError if it was deleted meanwhile."""
    row = run_rows.one(session, job, run_id)
    if row is None:
        raise not_found(f"run {run_id} of the job {job}")
    now = clock.now()
    state = row.judged(alive=False, now=now)
    queue = queues.read(session, [job])[job] if state is RunState.QUEUED else queues.Queue()
    position = queue.position(run_id)
    return Accepted(
        run=run_id,
        state=state,
        position=position,
        eta=_eta(session, job, position, queue, now),
        status_url=addresses.run(job, run_id),
    )


def _eta(session: Session, job: str, position: int | None, queue: queues.Queue, now: datetime) -> datetime | None:
    """Return the expected start: after the runs ahead, each as long as the latest ones on average."""
    if position is None:
        return None
    seconds = _duration(session, job)
    if seconds is None:
        return now.replace(microsecond=0) if position == 1 and queue.holder is None else None
    holder = queue.holder
    worked = (now - holder.since).total_seconds() if holder and holder.since else 0.0
    left = max(0.0, seconds - worked) if holder else 0.0
    return (now + timedelta(seconds=left + (position - 1) * seconds)).replace(microsecond=0)


def _duration(session: Session, job: str) -> float | None:
    """Return how long the latest runs took on average, in seconds; None without runs."""
    query = (
        select(DagRun.start_date, DagRun.end_date)
        .where(DagRun.dag_id == job, DagRun.state.in_(RUN_ENDED))
        .where(DagRun.start_date.is_not(None), DagRun.end_date.is_not(None))
        .order_by(DagRun.id.desc())
        .limit(RUNS_OF_ETA)
    )
    took = [(ended - started).total_seconds() for started, ended in session.execute(query) if started and ended]
    return sum(took) / len(took) if took else None


def retry_after(answer: Accepted, now: datetime) -> int:
    """Return in how many seconds a client should look at the run for the first time."""
    if answer.eta is None:
        return 2
    return min(LONGEST_RETRY_S, max(1, ceil((answer.eta - now).total_seconds())))
