"""The text of a spec that its DAG carries, and a short name of it.

A run goes on with the spec that it started with (``plugin.queue.pin``), whatever is in the file since. So the
serialized DAG has the spec, with the defaults of its folder merged, in ``default_args`` under ``constants.SPEC_KEY``.
"""

from __future__ import annotations

import hashlib

from airflow_mcp_provider.spec.job import JobSpec

PREFIX = "mcp-"
"""What the names of versions begin with: a version of a DAG bundle, such as a commit, has another form."""


def text(spec: JobSpec) -> str:
    """Return a spec as compact JSON without default values; the same spec gives the same text."""
    return spec.model_dump_json(exclude_defaults=True)


def read(text: str) -> JobSpec:
    """Return the inverse of ``text``; raises SpecError for a text that is not valid."""
    return JobSpec.model_validate_json(text)


def name(text: str) -> str:
    """Return the name of the version of a spec that has this text."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:16]
