"""Whether a run is accepted, decided from counts: no database here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from airflow_mcp_provider.plugin.admission.refusal import CONF, Refusal
from airflow_mcp_provider.plugin.db import nesting
from airflow_mcp_provider.runtime import size_limits
from airflow_mcp_provider.spec.marker import PRIORITY
from airflow_mcp_provider.spec.submit_rules import SubmitRules

SOON = 30
"""Seconds after which a refused client should try again, where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run that is about to be created. ``submitter`` is a user name, None where Airflow knows none."""

    job: str
    run_id: str
    submitter: str | None
    conf: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pending:
    """A queued run that was submitted before."""

    run_id: str
    conf: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """The runs of a job beside the new ones: numbers, and the queued ones where ``unique`` needs them.

    ``mine``: queued and running ones of the same submitter; ``recent``: those that were submitted within the period of
    the rate (by the same submitter, if it is per submitter); ``next_s``: the seconds until one of these leaves it.
    """

    queued: int = 0
    active: int = 0
    mine: int = 0
    recent: int = 0
    next_s: float = 0
    pending: Sequence[Pending] = ()

    def with_run(self, new: Submitted) -> Facts:
        """Return the facts after ``new`` was accepted."""
        more = {name: getattr(self, name) + 1 for name in ("queued", "active", "mine", "recent")}
        return replace(self, **more, pending=(*self.pending, Pending(new.run_id, new.conf)))


def wrong_conf(new: Submitted, params: frozenset[str]) -> Refusal | None:
    """Refuse a conf that is nested too deep, too large, or has fields that no param declares: they would be ignored."""
    if nesting.too_deep(dict(new.conf)):
        text = f"conf of the job {new.job}: nested deeper than {nesting.MOST} levels; expected at most {nesting.MOST}"
        return Refusal(new.job, CONF, text)
    if (size := len(json.dumps(new.conf, default=str))) > size_limits.MAX_CONF_BYTES:
        text = f"conf of the job {new.job}: {size} bytes; expected at most {size_limits.MAX_CONF_BYTES}"
        return Refusal(new.job, CONF, text)
    if unknown := sorted(new.conf.keys() - params - {PRIORITY}):
        named = ", ".join(map(repr, unknown))[:400]
        expected = ", ".join(sorted(params))[:1000] or "none"
        return Refusal(new.job, CONF, f"unknown param {named} of the job {new.job}; expected {expected}")
    return None


def refuse(new: Submitted, rules: SubmitRules, defaults: Mapping[str, Any], facts: Facts) -> Refusal | None:
    """Return why the run is not accepted; None if it is. ``defaults`` are those of the params."""
    same = next((one for one in facts.pending if _same(one.conf, new.conf, rules.unique, defaults)), None)
    if rules.unique and same is not None:
        text = f"{same.run_id} is queued with the same {', '.join(rules.unique)} (queue.unique)"
        return Refusal(new.job, "unique", _of(new, text), 1, run=same.run_id)
    if rules.overlap == "reject" and facts.active:
        return _later(
            new, "overlap", "a run is active (queue.overlap: reject); submit it when that has ended", facts.active
        )
    return _too_many(new, rules, facts) or _too_fast(new, rules, facts)


def _too_many(new: Submitted, rules: SubmitRules, facts: Facts) -> Refusal | None:
    if rules.max_pending is not None and facts.queued >= rules.max_pending:
        full = f"{facts.queued} runs are queued, and queue.max_pending is {rules.max_pending}"
        return _later(new, "max_pending", f"{full}; try again when one has started", facts.queued)
    if rules.per_submitter is not None and facts.mine >= rules.per_submitter:
        text = (
            f"{facts.mine} runs of {new.submitter or 'an unknown user'} are queued or running, and queue.per_submitter "
            f"is {rules.per_submitter}; try again when one has ended"
        )
        return _later(new, "per_submitter", text, facts.mine)
    return None


def _too_fast(new: Submitted, rules: SubmitRules, facts: Facts) -> Refusal | None:
    if rules.rate is None or facts.recent < rules.rate.count:
        return None
    seconds = max(1, ceil(facts.next_s))
    text = f"{facts.recent} runs were submitted, and queue.rate is {rules.rate}; try again in {seconds} s"
    return _later(new, "rate", text, facts.recent, seconds)


def _later(new: Submitted, rule: str, text: str, pending: int, seconds: int = SOON) -> Refusal:
    return Refusal(new.job, rule, _of(new, text), pending, seconds)


def _of(new: Submitted, text: str) -> str:
    return f"job {new.job}: {text}"


def _same(one: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str], defaults: Mapping[str, Any]) -> bool:
    return all(_text(one.get(name, defaults.get(name))) == _text(other.get(name, defaults.get(name))) for name in names)


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the JSON of a value: in Python ``True`` equals 1."""
    return json.dumps(value, sort_keys=True, default=str)
