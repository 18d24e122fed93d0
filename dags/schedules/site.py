"""Whether web sites respond, and how quickly."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_mcp_provider.runtime import Outcome

TIMEOUT_S = 10


def plan(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a subtask for each address."""
    return [{"url": url} for url in params["urls"]]


def ask(subtask: Mapping[str, Any]) -> dict[str, float]:
    """Return the status and the duration of a response; raises OSError when there is none."""
    if not subtask["url"].startswith(("http://", "https://")):
        raise ValueError(f"unsupported address {subtask['url']!r}; expected http:// or https://")
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(subtask["url"], timeout=TIMEOUT_S) as response:  # noqa: S310 - checked above
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    return {"status": status, "seconds": round(time.monotonic() - begun, 3)}


def summary(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return which addresses gave no response, or one with an error."""
    answers = {outcome.key: outcome.result if outcome.status == "success" else None for outcome in outcomes}
    bad = sorted(url for url, answer in answers.items() if answer is None or answer["status"] >= 400)  # noqa: PLR2004
    return {"asked": len(answers), "bad": bad}
