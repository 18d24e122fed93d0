"""The search tool: it works, most of the time.

Tools behind a network are busy now and then. This one is so for a share of its calls, which depends on nothing but the
question and the attempt: a run can be repeated.
"""

import os
import random
from collections.abc import Sequence

from sections.corpus import Passage, passages

MOST = 12


class ToolBusy(ConnectionError):
    """Ask again later."""


def ask(question: str, words: Sequence[str], corpus: str, busy: float) -> list[Passage]:
    """Return passages; raises ToolBusy for a share ``busy`` of all calls."""
    attempt = os.environ.get("AIRFLOW_CTX_TRY_NUMBER", "1")
    if random.Random(f"{question}:{attempt}").random() < busy:  # noqa: S311 - no secret
        raise ToolBusy(f"the search tool was busy at attempt {attempt}")
    return passages(corpus, words, MOST)
