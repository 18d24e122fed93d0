"""Accept the new runs of a transaction, or raise RunRefused: called before its commit, with everything flushed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import NEW_RUNS, REFUSED_BACKFILL
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.admission import facts, rules
from airflow_mcp_provider.plugin.admission.airflow_internals import DOORS, declared
from airflow_mcp_provider.plugin.admission.refusal import BUSY, Refusal, RunRefused
from airflow_mcp_provider.plugin.admission.rules import Facts, Submitted
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.spec.submit_rules import SubmitRules

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:job, 7267))"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(:job, 7267))"
"""7267 keeps these locks apart from other users of advisory locks."""

log = structlog.get_logger(__name__)


def admit(session: Session, runs: Sequence[DagRun], *, wait: bool = True) -> None:
    """Accept the runs, all or none; raises RunRefused for the first that breaks a rule of its job.

    ``wait`` for the lock only before a commit; without it, a job that is locked refuses for a second. Runs of DAGs that
    are no jobs, and runs that the scheduler makes, are not checked. Jobs are locked in the order of their names, so
    that two transactions cannot wait for each other.
    """
    groups = _by_submitter(runs)
    found = markers(session, sorted({job for job, _ in groups}))
    try:
        for (job, _), new in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or "")):
            if job in found:
                _admit(session, new, found[job].submit, wait=wait)
    except RunRefused:
        session.info[REFUSED_BACKFILL] = next((run.backfill_id for run in runs if run.backfill_id), None)
        raise
    session.info[NEW_RUNS] = [one for one in session.info.get(NEW_RUNS, ()) if one not in runs]


def refuse_early(session: Session, new: Submitted) -> None:
    """Raise RunRefused for a run that the numbers refuse now, before the work to create it.

    Without a lock: what passes is held against all rules again, at the commit. Not where a queued run may do the same
    work: that one is then the answer.
    """
    found = markers(session, [new.job])
    wanted = found[new.job].submit if new.job in found else SubmitRules()
    if wanted.limits_submits and not wanted.unique:
        there = facts.read(session, [new], wanted)
        _check(new, rules.refuse(new, wanted, {}, there), there)


def _by_submitter(runs: Iterable[DagRun]) -> dict[tuple[str, str | None], list[Submitted]]:
    groups: dict[tuple[str, str | None], list[Submitted]] = defaultdict(list)
    for run in runs:
        if run.run_type in DOORS:
            one = Submitted(run.dag_id, run.run_id, run.triggering_user_name, run.conf or {})
            groups[one.job, one.submitter].append(one)
    return groups


def _admit(session: Session, new: Sequence[Submitted], wanted: SubmitRules, *, wait: bool) -> None:
    params = declared(session, new[0].job)
    for one in new:
        if wrong := rules.wrong_conf(one, frozenset(params)):
            _check(one, wrong, facts.read(session, new, SubmitRules()))
    busy = None if not wanted.limits_submits or _lock(session, new[0].job, wait=wait) else _busy(new[0].job)
    there = facts.read(session, new, wanted)
    for one in new:
        _check(one, busy or rules.refuse(one, wanted, params, there), there)
        there = there.with_run(one)
    for one in new:
        _say("run requested", one, there)
        _say("run admitted", one, there)
        metrics.admitted(one.job)


def _lock(session: Session, job: str, *, wait: bool) -> bool:
    """Lock the job until the commit. SQLite needs no such lock: there a transaction that writes has the database."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return session.scalar(text(LOCK if wait else TRY_LOCK), {"job": job}) is not False


def _busy(job: str) -> Refusal:
    return Refusal(job, BUSY, f"job {job}: another run is being submitted", retry_after=1)


def _check(one: Submitted, refusal: Refusal | None, there: Facts) -> None:
    """Raise RunRefused for a refusal."""
    if refusal is None:
        return
    _say("run requested", one, there)
    _say("run rejected", one, there, reason=refusal.rule, pending=refusal.pending)
    metrics.rejected(one.job, refusal.rule)
    raise RunRefused(refusal)


def _say(line: str, one: Submitted, there: Facts, **more: Any) -> None:
    """Write a line of docs/metrics.md. It has no value of the conf: these may be secrets."""
    numbers = {"queued": there.queued, "running": there.active - there.queued}
    log.info(line, job=one.job, run=one.run_id, submitter=one.submitter, **numbers, **more)
