"""A valid spec with a change in it: a job that becomes a DAG, or errors that each name file, line and field."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import FolderDefaults, JobSpec, load_job, with_location
from airflow_mcp_provider.spec.faults import dotted
from airflow_mcp_provider.spec.yaml_document import Document
from tests.fuzz import mutations, whole
from tests.fuzz.made import COUNT, cases
from tests.fuzz.wrong import Wrong

WITHOUT_FIELD = re.compile(
    r"invalid YAML: |invalid job spec|multiple YAML documents|unsupported (tab|control|lone)|"
    r"too many (levels of nesting|values)|file too large"
)
"""Errors of the text as a whole: they have a line and no field."""


def loaded(path: Path, defaults: FolderDefaults | None = None, parses: int = 1) -> JobSpec | SpecError:
    """Read the job and make its DAG, as often as asked for: it is the same each time."""
    try:
        spec = load_job(path, defaults)
        dags = {json.dumps(DagSerialization.to_dict(build_dag(spec))) for _ in range(parses)}
    except SpecError as error:
        return with_location(error, path, defaults)
    assert len(dags) == 1
    return spec


def check_named(error: SpecError, files: set[str]) -> None:
    """Each problem has a file, a line that exists, and a field unless the text as a whole is wrong."""
    assert error.problems
    for problem in error.problems:
        assert problem.file in files, problem
        assert 1 <= (problem.line or 0) <= len(Path(problem.file or "").read_text().splitlines()) + 1, problem
        assert problem.path or WITHOUT_FIELD.match(problem.message), problem
        assert "\n" not in str(problem)


def ignored(values: Any, dumped: Any, at: str = "") -> Iterator[str]:
    """Give the keys of a file that are not in the model that was made of it."""
    if at == "plan.items" or values is None:  # written out: {item: x}, or all combinations of a matrix
        return
    if isinstance(values, dict):
        held = dumped[0] if isinstance(dumped, list) and dumped else dumped
        for name, inner in values.items():
            if not isinstance(held, dict) or name not in held:
                yield f"{at}.{name}".lstrip(".")
            else:
                yield from ignored(inner, held[name], f"{at}.{name}".lstrip("."))
    elif isinstance(values, list):
        held = dumped if isinstance(dumped, list) and len(dumped) == len(values) else [None] * len(values)
        for inner, one in zip(values, held, strict=True):
            yield from ignored(inner, one, at)


def test_a_mutated_spec_becomes_a_dag_or_errors_with_field_and_line(tmp_path: Path, wrong: Wrong) -> None:
    path, good = tmp_path / "job.yaml", 0
    for case, random in cases("mutation"):
        text = mutations.text(random)
        path.write_text(text, errors="surrogatepass")
        with wrong.of(case, text):
            got = loaded(path, parses=1 + good % 10 // 9)
            if isinstance(got, SpecError):
                check_named(got, {str(path)})
                continue
            good += 1
            assert [*ignored(Document(text).values, got.model_dump(mode="json"))] == []
    wrong.none()
    assert COUNT // 10 < good < COUNT * 9 // 10


SPECS = [whole.whole(Random(number)) for number in range(40)]
PATHS = sorted({path for values in SPECS for path in whole.keys(values)}, key=str)


def test_every_key_is_in_a_valid_spec() -> None:
    """What the fuzz mutates: each key of each model, but those that exclude others here or need another provider."""
    dumped = [JobSpec.model_validate(values | {"id": "job"}).model_dump(mode="json") for values in SPECS]
    fields = {named(path) for spec in dumped for path in whole.keys(spec) if not whole.is_free(path)}
    assert fields - set(map(named, PATHS)) == {tuple(path.split(".")) for path in OTHERS}


OTHERS = (
    *("id", "pod.override", "queue.max_pending", "retries.only_on", "steps.pod", "subtasks.jobs", "watch.args"),
    "watch.queue",
)


def named(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key and that of its mapping."""
    return tuple(name for name in path if isinstance(name, str))[-2:]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_no_key_is_ignored(path: tuple[Any, ...], tmp_path: Path) -> None:
    """Without it the job is another one, and misspelt it is an error in its line."""
    values = next(values for values in SPECS if path in {*whole.keys(values)})
    random, spec = Random(str(path)), JobSpec.model_validate(values | {"id": "job"})
    assert job_of(whole.put(values, path, lambda held, key: held.pop(key))) != spec
    name = mutations.misspelt(str(path[-1]), random)
    renamed = whole.put(values, path, lambda held, key: held.update({name: held.pop(key)}))
    file = tmp_path / "job.yaml"
    file.write_text(mutations.written(renamed, random))
    got = loaded(file)
    if not isinstance(got, SpecError):
        assert whole.is_free(path), f"{name} is ignored"
        assert got != spec
        return
    line = Document(file.read_text()).lines()[dotted((*path[:-1], name))]
    assert whole.is_free(path) or any(problem.line == line for problem in got.problems), got


def job_of(values: Any) -> JobSpec | None:
    try:
        return JobSpec.model_validate(values | {"id": "job"})
    except SpecError:
        return None
