"""One run of a job in this process: plan, each subtask in turn, report.

One subtask runs at a time, in the order in which they were found. Retries follow the rules of the job, without their
delays. A subtask that is a run of another job runs that job, likewise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.local_run.params import params_of, undeclared
from airflow_mcp_provider.local_run.subtasks import Record, Subtasks
from airflow_mcp_provider.local_run.work import Piece, do
from airflow_mcp_provider.operators.child_run import Called
from airflow_mcp_provider.operators.failure import Retried, failure_of
from airflow_mcp_provider.operators.found import enqueue_found, enqueue_listed
from airflow_mcp_provider.operators.run_result import (
    RunResult,
    brief,
    describe,
    listed,
    reason,
    summary,
    verdict,
    with_error,
)
from airflow_mcp_provider.runtime import size_limits
from airflow_mcp_provider.runtime.answer_types import ChildRun
from airflow_mcp_provider.runtime.backoff import Tries
from airflow_mcp_provider.runtime.execute import Call
from airflow_mcp_provider.runtime.messages import stored
from airflow_mcp_provider.runtime.payload import Child
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.runtime.stdout import PlanLines, payloads
from airflow_mcp_provider.spec import Items, JobSpec, JobWork, PythonWork, Retries, Step, fill_all

DEEPEST = 20
"""Runs of jobs in runs of jobs."""


@dataclass(frozen=True)
class Options:
    """How a run differs from one in Airflow.

    ``isolated``: each piece of work is a process of its own, with its time limits. ``delays``: wait before a retry.
    """

    isolated: bool = False
    delays: bool = False


@dataclass(frozen=True)
class Result:
    """How a run ended: its result, and the note that Airflow's UI would show."""

    run: RunResult
    note: str

    @property
    def succeeded(self) -> bool:
        """Whether the run would be a success in Airflow."""
        return self.run.state != "failed"


@dataclass(frozen=True)
class _Channel:
    """The client of ``Subtasks`` for one piece of work: ``asking`` is its subtask, None for plan and report."""

    subtasks: Subtasks
    asking: Record | None = None

    def enqueue(self, children: Sequence[Child]) -> int:
        """See ``runtime.ipc_server.Channel``."""
        return self.subtasks.enqueue(self.asking, children)

    def progress(self, fraction: float, message: str) -> None:
        """See ``runtime.ipc_server.Channel``."""
        if self.asking is not None:
            self.asking.message = message or f"{fraction:.0%}"
            self.subtasks.changed(self.asking)


@dataclass
class LocalRun:
    """A run of ``spec`` with the params of ``conf``; ``jobs`` returns the spec of another job by its id.

    ``level`` counts the runs that this one is part of. Raises InvalidPayload for a conf that does not match the params
    of the job.
    """

    spec: JobSpec
    conf: Mapping[str, Any]
    options: Options
    jobs: Callable[[str], JobSpec]
    level: int = 0

    def __post_init__(self) -> None:
        self.params = params_of(self.spec.params, self.conf)
        self.subtasks = Subtasks(self.spec)
        self._steps = {step.name: step for step in self.spec.each_step}

    def run(self) -> Result:
        """Run the job to its end; errors of its work are part of the result."""
        try:
            self._plan()
        except Exception as error:  # noqa: BLE001 - the plan's error is the end of the run, as in Airflow
            failed = with_error(summary(self.subtasks.tallied("failed"), "failed"), error)
            return Result(failed, f"failed: the plan failed: {reason(brief(error))}")
        while (record := self.subtasks.next()) is not None:
            self._do(record)
        counts = self.subtasks.tallied("success")
        result = summary(counts, verdict(counts, self.spec.subtasks.tolerate))
        return self._ended(self._reported(result))

    def _ended(self, result: RunResult) -> Result:
        return Result(result, describe(result, str(self.spec.subtasks.tolerate), "success"))

    def _plan(self) -> None:
        work, key, channel = self.spec.plan, self.spec.subtasks.key, _Channel(self.subtasks)
        if isinstance(work, Items):
            enqueue_listed(channel, [fill_all(item, self.params) for item in work.items], key)
            return
        piece = Piece(
            work,
            Call((self.params,), "params", {}, self.params),
            channel,
            key,
            self.spec.timeouts,
            self.spec.pod,
            after=enqueue_found,
            limit=size_limits.MAX_REPORT_BYTES,
            printed=PlanLines,
        )
        found = do(piece, isolated=self.options.isolated)
        if not isinstance(work, PythonWork):
            enqueue_listed(channel, payloads(found, enqueued=bool(self.subtasks.records)), key)

    def _do(self, record: Record) -> None:
        step = self._steps[record.step]
        retries = step.retries or self.spec.retries
        record.started = datetime.now(UTC)
        while record.state in {"waiting", "running"}:
            record.attempt, record.state, record.error = record.attempt + 1, "running", None
            self.subtasks.changed(record)
            try:
                self.subtasks.done(record, self._result(record, step))
            except Exception as error:  # noqa: BLE001 - the error of the work is its outcome
                self._after(record, error, retries)

    def _after(self, record: Record, error: Exception, retries: Retries) -> None:
        record.error = failure_of(error)
        refusal = Retried(retries.never_on, retries.only_on).refusal(error)
        if refusal or record.attempt >= retries.attempts:
            self.subtasks.failed(record, record.error)
        elif self.options.delays:
            delay, longest = retries.delay.total_seconds(), retries.max_delay.total_seconds()
            time.sleep(Tries(retries.attempts, delay, retries.backoff, longest).pause(record.attempt))

    def _result(self, record: Record, step: Step) -> Any:  # noqa: ANN401 - any JSON
        work = JobWork(job=record.item.job) if record.item.job else step.run
        if isinstance(work, JobWork):
            return self._called(work.job, record)
        payload = record.item.subtask
        call = Call((payload, self.params), "subtask, params", payload, self.params)
        channel = _Channel(self.subtasks, record)
        piece = Piece(work, call, channel, self.spec.subtasks.key, step.timeouts, step.pod)
        return do(piece, isolated=self.options.isolated)

    def _called(self, job: str, record: Record) -> Any:  # noqa: ANN401 - any JSON
        if self.level >= DEEPEST:
            raise InvalidPayload(f"too many runs of jobs in runs of jobs; expected at most {DEEPEST}")
        spec = self.jobs(job)
        if unknown := undeclared(spec.params, record.item.payload):
            known = ", ".join(spec.params) or "none"
            raise InvalidPayload(f"fields of the payload that {job} does not declare: {unknown}; its params: {known}")
        results = {name: value for name, value in record.item.results.items() if name in spec.params}
        conf = {**results, **record.item.payload}
        run = LocalRun(spec, conf, self.options, self.jobs, level=self.level + 1).run()
        state = "success" if run.succeeded else "failed"
        return Called(ChildRun(f"test of {job}", state, 0, stored(run.run))).result(job)

    def _reported(self, result: RunResult) -> RunResult:
        if self.spec.report is None:
            return result
        try:
            with private_folder() as folder:
                files = listed(self.spec.report, self.subtasks.outcomes(), folder)
                arguments = (self.subtasks.outcomes(), self.params)
                call = Call(arguments, "outcomes, params", files, self.params)
                piece = Piece(
                    self.spec.report,
                    call,
                    _Channel(self.subtasks),
                    timeouts=self.spec.timeouts,
                    limit=size_limits.MAX_REPORT_BYTES,
                )
                return replace(result, result=do(piece, isolated=self.options.isolated))
        except Exception as error:  # noqa: BLE001 - a report that fails is the end of the run, as in Airflow
            return with_error(result, error)
