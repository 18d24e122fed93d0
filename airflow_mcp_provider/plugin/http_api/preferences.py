"""The header ``Prefer``: ``wait=30`` lets the server wait up to 30 s before it responds.

Source: https://www.rfc-editor.org/rfc/rfc7240
"""

from __future__ import annotations

import re

MOST_WAIT_S = 300
"""A longer wait is shortened: proxies close connections on which nothing is sent."""
_WAIT = re.compile(r'\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?', re.IGNORECASE)


def preferred_wait(prefer: str | None) -> float:
    """Return the seconds to wait; 0 without a preference, or with one of another form."""
    found = [hit for part in (prefer or "").split(",") if (hit := _WAIT.fullmatch(part))]
    return float(min(int(found[0][1]), MOST_WAIT_S)) if found else 0.0


def applied(prefer: str | None, seconds: float) -> dict[str, str]:
    """Return the header that names the preferences that were carried out; ``seconds``: of the wait.

    A submit responds before the run has ended, unless it waits: ``respond-async`` is named where it was asked for.
    """
    asked = {part.partition(";")[0].strip().lower() for part in (prefer or "").split(",")}
    done = [*(["respond-async"] if "respond-async" in asked else []), *([f"wait={seconds:g}"] if seconds else [])]
    return {"Preference-Applied": ", ".join(done)} if done else {}
