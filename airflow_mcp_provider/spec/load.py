"""From a YAML file to a ``JobSpec``, or to one ``SpecError`` with everything that is wrong in it.

Runs in the DAG processor and in every runner (each parses its DAG's file), so the good path does nothing
for errors' sake: lines and near misses are looked up only when something is wrong.
"""

from dataclasses import replace
from pathlib import Path

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.document import Document
from airflow_mcp_provider.spec.faults import sentence
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.problems import told

LARGEST = 1_000_000


def load_job(path: str | Path) -> JobSpec:
    """Read the job in the YAML file at ``path``; the file's stem is its id."""
    path = Path(path)
    return parse_job(_read(path), id=path.stem, source=str(path))


def parse_job(text: str, *, id: str, source: str = "job") -> JobSpec:  # noqa: A002 - the spec's own word
    """Read the job in ``text``; ``source`` is what errors call the text's place."""
    if len(text) > LARGEST:
        raise _unreadable(source, sentence("is too large", f"{len(text)} characters", f"{LARGEST}"))
    try:
        document = Document(text)
    except SpecError as error:
        raise told(replace(problem, file=source) for problem in error.problems) from None
    return _job(document, id, source)


def placed(error: SpecError, path: str | Path) -> SpecError:
    """Return ``error``, found later in the job of the file at ``path``, with that file and its lines."""
    if any(problem.file for problem in error.problems) or not error.problems:
        return error
    lines = Document(_read(Path(path))).lines()
    return told(_located(problem, str(path), lines) for problem in error.problems)


def _job(document: Document, name: str, source: str) -> JobSpec:
    problems = document.problems
    if "id" in document.values:
        problems.append(Problem(sentence("is told by the file's name", allowed="no such key"), "id"))
    try:
        spec = JobSpec.model_validate(document.values | {"id": name})
    except SpecError as error:
        known = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in known]
    if not problems:
        return spec
    lines = document.lines()
    raise told(_located(problem, source, lines) for problem in problems)


def _located(problem: Problem, source: str, lines: dict[str, int]) -> Problem:
    """Return ``problem`` with the line of its path, or of the nearest place around it that is there."""
    place = problem.path
    while problem.line is None and place not in lines and place != "id":
        place = place.rpartition(".")[0]
    return replace(problem, file=source, line=problem.line or lines.get(place))


def _read(path: Path) -> str:
    if path.exists() and not (path.is_file() or path.is_dir()):  # to open a FIFO would wait for its writer
        raise _unreadable(str(path), "is no file; allowed a regular file")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise _unreadable(str(path), sentence("is too large", allowed=f"{LARGEST} bytes"))
    return _decoded(data, str(path))


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(source, sentence("is no UTF-8 text", f"byte 0x{data[error.start]:02x}"), line) from None


def _unreadable(source: str, wrong: str, line: int | None = None) -> SpecError:
    return told([Problem(wrong, file=source, line=line)])
