"""The work of ``jobs/sales_report.yaml``: three plain functions, here with made-up numbers."""

import random
import time
from typing import Any

from airflow_mcp_provider.runtime import Outcome, progress


def months(params: dict[str, Any]) -> list[dict[str, str]]:
    """Return a subtask for each month."""
    return [{"month": f"{params['year']}-{number:02}"} for number in range(1, 13)]


def month(subtask: dict[str, str], params: dict[str, Any]) -> dict[str, int]:
    """Return the orders and the sales of a month; a real shop asks its database here."""
    progress(0, f"adding up {subtask['month']}")
    time.sleep(params["pause"])
    orders = random.Random(f"{params['shop']} {subtask['month']}").randrange(100, 1000)  # noqa: S311 - no secret
    return {"orders": orders, "sales": orders * 30}


def total(outcomes: list[Outcome], params: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the run: what the page shows."""
    results = [outcome.result for outcome in outcomes if isinstance(outcome.result, dict)]
    return {"shop": params["shop"], "months": len(results), "sales": sum(one["sales"] for one in results)}
