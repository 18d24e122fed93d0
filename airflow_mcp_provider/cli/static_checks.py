"""Checks of one job spec that need more than the models, but not the user's code.

Runs for ``airflow mcp validate``: placeholders that no value has, and time limits of steps beyond that of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_mcp_provider.cli.named_code import step_path
from airflow_mcp_provider.cli.payload_fields import of_step, planned
from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec import CommandWork, ContainerWork, Items, JobWork, human, names

if TYPE_CHECKING:
    from airflow_mcp_provider.spec import JobSpec, Plan, SubtaskWork

_MOST_ITEMS = 1_000
"""Items of one plan that are checked: a matrix may have many, which differ in their values alone."""
Texts = Iterator[tuple[str, str]]


def problems_of(spec: JobSpec, others: Mapping[str, JobSpec]) -> Iterator[Problem]:
    """Yield the problems of a spec; ``others`` are the known jobs by id."""
    params = frozenset(spec.params)
    yield from _placeholders(_texts(spec.plan, "plan"), params, "params")
    yield from _key(spec)
    for index, step in enumerate(spec.each_step):
        path, fields = f"{step_path(spec, index)}run", of_step(spec, index)
        for each in fields or ():
            yield from _placeholders(_texts(step.run, path), params | each, "the payload or of params")
        if isinstance(step.run, JobWork) and step.run.job in others:
            yield from _conf(others[step.run.job], planned(spec), path)
        yield from _soft(spec, index)
    if isinstance(spec.report, CommandWork):
        yield from _placeholders(_texts(spec.report, "report"), params | {"outcomes"}, "params, or outcomes")


def _placeholders(texts: Texts, known: frozenset[str], of: str) -> Iterator[Problem]:
    for path, text in texts:
        for name in names(text):
            if name not in known:
                expected = f"a name of {of}: {', '.join(sorted(known)) or '(none)'}"
                yield Problem("unknown placeholder", path, given=f"{{{name}}}", expected=expected)


def _texts(work: Plan | SubtaskWork, path: str) -> Texts:
    """Yield the texts with placeholders, by their dotted paths."""
    if isinstance(work, CommandWork):
        yield from _each(work.command, f"{path}.command")
    elif isinstance(work, ContainerWork):
        yield f"{path}.container.image", work.container.image
        yield from _each(work.container.command or (), f"{path}.container.command")
        yield from _each(work.container.args or (), f"{path}.container.args")
    elif isinstance(work, Items):
        yield from _each(work.items[:_MOST_ITEMS], f"{path}.items")


def _each(value: Any, path: str) -> Texts:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _each(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _each(inner, f"{path}.{index}")


def _key(spec: JobSpec) -> Iterator[Problem]:
    """Yield a problem where a planned payload does not have a field of ``subtasks.key``."""
    key = spec.subtasks.key
    if key is None:
        return
    wanted = frozenset(names(key)) if "{" in key else {key}
    for fields in planned(spec) or ():
        if missing := sorted(wanted - fields):
            expected = f"a field that all items have, such as {', '.join(sorted(fields))}"
            yield Problem("unknown field", "subtasks.key", given=", ".join(missing), expected=expected)
            return


def _conf(other: JobSpec, payloads: tuple[frozenset[str], ...] | None, path: str) -> Iterator[Problem]:
    """Yield a problem where a planned payload is not a conf that the called job accepts."""
    known = frozenset(other.params)
    needed = {name for name, schema in other.params.items() if "default" not in schema}
    for fields in payloads or ():
        if unknown := sorted(fields - known):
            expected = f"params of {other.id}: {', '.join(sorted(known)) or '(none)'}"
            yield Problem(
                "payload with fields that are not params:", f"{path}.job", None, None, ", ".join(unknown), expected
            )
            return
        if missing := sorted(needed - fields):
            expected = f"a payload with {', '.join(missing)}, required by {other.id}"
            yield Problem(
                "payload without required params:", f"{path}.job", None, None, ", ".join(sorted(fields)), expected
            )
            return


def _soft(spec: JobSpec, index: int) -> Iterator[Problem]:
    """Yield a problem where the soft limit of a step is not shorter than the limit of the run."""
    step, run = spec.steps[index] if spec.steps else None, spec.timeouts.run
    soft = step.timeouts.soft if step and step.timeouts else None
    if soft and run and soft >= run:
        expected = f"less than {human(run)}, the value of timeouts.run"
        yield Problem("time limit too long:", f"steps.{index}.timeouts.soft", given=human(soft), expected=expected)
