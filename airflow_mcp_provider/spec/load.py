"""From a YAML file to a ``JobSpec``, or to one ``SpecError`` with everything that is wrong in it.

Runs in the DAG processor and in every runner (each parses its DAG's file), so the good path does nothing
for errors' sake: lines and near misses are looked up only when something is wrong.
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
from airflow_mcp_provider.spec.problems import told
from airflow_mcp_provider.spec.yaml_document import Document

LARGEST = 1_000_000


def load_job(path: str | Path) -> JobSpec:
    """Read the job in the YAML file at ``path``; the file's stem is its id."""
    path = Path(path)
    return parse_job(_read(path), id=path.stem, source=printable(path))


def parse_job(text: str, *, id: str, source: str = "job") -> JobSpec:  # noqa: A002 - the spec's own word
    """Read the job in ``text``; ``source`` is what errors call the text's place."""
    if len(text) > LARGEST:
        raise _unreadable(source, sentence("is too large", f"{len(text)} characters", f"{LARGEST}"))
    try:
        document = Document(text)
    except SpecError as error:
        raise told(replace(problem, file=source) for problem in error.problems) from None
    return _job(document, id, source)


def placed(error: Exception, path: str | Path) -> SpecError:
    """Return ``error``, met with the job of the file at ``path``, as one that names the file, and lines it can tell."""
    source = printable(path)
    if not isinstance(error, SpecError):
        return SpecError(f"{source}: cannot be loaded: {type(error).__name__}: {printable(error)}")
    if any(problem.file for problem in error.problems):
        return error
    lines = _lines_now(Path(path)) if error.problems else None
    if lines is None:
        return SpecError(f"{source}: {printable(error)}")
    return told(_located(problem, source, lines) for problem in error.problems)


def _lines_now(path: Path) -> dict[str, int] | None:
    """Return the lines of a file that was read before; None where it has changed and cannot be read any more."""
    try:
        return Document(_read(path)).lines()
    except Exception:  # noqa: BLE001 - the error that was met is still true
        return None


def _job(document: Document, name: str, source: str) -> JobSpec:
    problems = document.problems
    if "id" in document.values:
        problems.append(Problem(sentence("is told by the file's name", allowed="no such key"), "id"))
    problems += _empty_beside(document.values)
    try:
        spec = JobSpec.model_validate(document.values | {"id": name})
    except SpecError as error:
        known = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in known]
    if not problems:
        return spec
    lines = document.lines()
    raise told(_located(problem, source, lines) for problem in problems)


def _empty_beside(values: Mapping[str, Any]) -> list[Problem]:
    """One of run and steps, empty beside the other: a file says what it means (a model's dump has both)."""
    both = ("run", "steps") if "run" in values and "steps" in values else ()
    empty = [name for name in both if values[name] is None or values[name] == []]
    return [Problem(sentence("is empty", allowed="one of run and steps, no other"), name) for name in empty]


def _located(problem: Problem, source: str, lines: dict[str, int]) -> Problem:
    """Return ``problem`` with the line of its path, or of the nearest place around it that is there."""
    place = problem.path
    while problem.line is None and place not in lines and place != "id":
        place = place.rpartition(".")[0]
    return replace(problem, file=source, line=problem.line or lines.get(place))


def _read(path: Path) -> str:
    source = printable(path)
    try:
        data = _content(path, source)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise _unreadable(source, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise _unreadable(source, sentence("is too large", allowed=f"{LARGEST} bytes"))
    return _decoded(data, source)


def _content(path: Path, source: str) -> bytes:
    """Read no more than a spec may have; devices are not touched, and nobody waits for the writer of a FIFO."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _unreadable(source, "is no file; allowed a regular file")
    with open(path, "rb", opener=_at_once) as file:
        return file.read(LARGEST + 1) or b""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(source, sentence("is no UTF-8 text", f"byte 0x{data[error.start]:02x}"), line) from None


def _unreadable(source: str, wrong: str, line: int | None = None) -> SpecError:
    return told([Problem(wrong, file=source, line=line)])
