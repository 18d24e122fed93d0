"""How large payloads, results, reports, keys and requests may be."""

from __future__ import annotations

MAX_PAYLOAD_BYTES = 32_768
MAX_RESULT_BYTES = 65_535
MAX_REPORT_BYTES = 1_000_000
MAX_OUTCOME_BYTES = 1_000_000
"""A result of MAX_RESULT_BYTES, a message and a traceback, escaped."""
MAX_CONF_BYTES = 1_000_000
"""Of the conf of a run, as JSON."""
MAX_KEY_CHARS = 2_000
MAX_JOB_CHARS = 250
"""Of a DAG's id."""
FAILURES = 20
"""A run's result lists so many failures."""
BATCH_CHILDREN = 500
BATCH_BYTES = 1_000_000
"""One request carries at most this much: it must end within ``[workers] execution_api_timeout`` (5 s by default)."""
LABEL_CHARS = 250
"""Of the column that holds a mapped instance's label: the key, cut."""
