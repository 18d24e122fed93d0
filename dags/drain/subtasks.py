"""The functions that the job names: ``plan`` counts and divides, ``drain`` works off one share, ``summary`` tells.

A share is a number of messages, not certain ones: who comes first takes what is there.
"""

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_mcp_provider.runtime import Outcome, progress

from .ledger import BadMessage, Ledger
from .sources import Claim, Source, source_of

_BETWEEN_PROGRESS_S = 1.0


def plan(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Put back what an earlier run left claimed, and divide what is pending."""
    source = source_of(params)
    source.put_back()
    shares = -(-source.pending() // params["per_subtask"])
    burst = uuid.uuid4().hex[:12]
    return [{"share": share, "burst": burst} for share in range(shares)]


def drain(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, int]:
    """Book a share's messages, one after another; each is acknowledged when it is booked."""
    source, ledger = source_of(params), Ledger(params["ledger"])
    counts = {"booked": 0, "known": 0, "refused": 0}
    told = time.monotonic()
    for number, claim in enumerate(source.claim(str(subtask["share"]), params["per_subtask"])):
        counts[_settle(source, ledger, claim, subtask["burst"])] += 1
        if time.monotonic() - told >= _BETWEEN_PROGRESS_S:
            progress(number / params["per_subtask"], f"{number + 1} messages")
            told = time.monotonic()
        time.sleep(params["pause"])
    return counts


def _settle(source: Source, ledger: Ledger, claim: Claim, burst: str) -> str:
    try:
        new = ledger.book(claim.body, burst)
    except BadMessage as reason:
        ledger.refuse(claim.body, burst, str(reason))
        source.failed(claim)
        return "refused"
    source.done(claim)
    return "booked" if new else "known"


def summary(outcomes: Iterable[Outcome], params: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what the ledger says of this run: a killed runner's counts died with it, its bookings did not."""
    bursts = {outcome.payload["burst"] for outcome in outcomes}
    return {**Ledger(params["ledger"]).told(sorted(bursts)), "pending": source_of(params).pending()}
