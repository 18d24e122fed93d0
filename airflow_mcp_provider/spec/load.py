"""Load a ``JobSpec`` from a YAML file, or raise one ``SpecError`` with all problems of the file.

Runs in the DAG processor and in every runner (each parses its DAG's file). So a valid file costs nothing extra: line
numbers and similar keys are looked up only when there is an error.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import printable, sentence
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.problems import combined
from airflow_mcp_provider.spec.yaml_document import Document

LARGEST = 1_000_000


def load_job(path: str | Path) -> JobSpec:
    """Return the job of the YAML file at ``path``; the stem of the file name is its id.

    Raises SpecError when the file cannot be read or the spec in it is not valid.
    """
    path = Path(path)
    return parse_job(_read(path), id=path.stem, source=printable(path))


def parse_job(text: str, *, id: str, source: str = "job") -> JobSpec:  # noqa: A002 - the name of the field in the spec
    """Return the job in the YAML ``text``; ``source`` is the file name in error messages.

    Raises SpecError when the spec is not valid.
    """
    if len(text) > LARGEST:
        raise _unreadable(source, sentence("spec too large:", f"{len(text)} characters", f"at most {LARGEST}"))
    try:
        document = Document(text)
    except SpecError as error:
        raise combined(replace(problem, file=source) for problem in error.problems) from None
    return _job(document, id, source)


def with_location(error: Exception, path: str | Path) -> SpecError:
    """Return ``error``, raised for the job in the file at ``path``, as a SpecError with the file and known lines."""
    source = printable(path)
    if not isinstance(error, SpecError):
        return SpecError(f"{source}: cannot load the job: {type(error).__name__}: {printable(error)}")
    if any(problem.file for problem in error.problems):
        return error
    lines = _lines_now(Path(path)) if error.problems else None
    if lines is None:
        return SpecError(f"{source}: {printable(error)}")
    return combined(_located(problem, source, lines) for problem in error.problems)


def _lines_now(path: Path) -> dict[str, int] | None:
    """Return the line of each path in the file, or None when the file has changed and can no longer be read."""
    try:
        return Document(_read(path)).lines()
    except Exception:  # noqa: BLE001 - the original error is still reported
        return None


def _job(document: Document, name: str, source: str) -> JobSpec:
    problems = document.problems
    if "id" in document.values:
        problems.append(Problem(sentence('unsupported key "id"', expected="no id: the file name is the job id"), "id"))
    problems += _empty_beside(document.values)
    try:
        spec = JobSpec.model_validate(document.values | {"id": name})
    except SpecError as error:
        known = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in known]
    if not problems:
        return spec
    lines = document.lines()
    raise combined(_located(problem, source, lines) for problem in problems)


_BESIDE = {"run": "empty value beside steps", "steps": "empty value beside run"}


def _empty_beside(values: Mapping[str, Any]) -> list[Problem]:
    """Return a problem when ``run`` or ``steps`` is empty beside the other: only ``model_dump`` writes both."""
    both = ("run", "steps") if "run" in values and "steps" in values else ()
    empty = [name for name in both if values[name] is None or values[name] == []]
    return [Problem(sentence(_BESIDE[name], expected="either run or steps, not both"), name) for name in empty]


def _located(problem: Problem, source: str, lines: dict[str, int]) -> Problem:
    """Return ``problem`` with the line of its path, or of the nearest parent of the path that is in the file."""
    place = problem.path
    while problem.line is None and place not in lines and place != "id":
        place = place.rpartition(".")[0]
    return replace(problem, file=source, line=problem.line or lines.get(place))


def _read(path: Path) -> str:
    source = printable(path)
    try:
        data = _content(path, source)
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise _unreadable(source, f"cannot read the file: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise _unreadable(source, sentence("file too large", expected=f"at most {LARGEST} bytes"))
    return _decoded(data, source)


def _content(path: Path, source: str) -> bytes:
    """Read at most ``LARGEST`` bytes and one more; do not open devices, and do not wait for the writer of a FIFO."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _unreadable(source, sentence("unsupported type of file", expected="a regular file"))
    with open(path, "rb", opener=_at_once) as file:
        return file.read(LARGEST + 1) or b""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(source, sentence("invalid UTF-8 byte", f"0x{data[error.start]:02x}"), line) from None


def _unreadable(source: str, wrong: str, line: int | None = None) -> SpecError:
    return combined([Problem(wrong, file=source, line=line)])
