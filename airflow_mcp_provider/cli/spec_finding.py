"""What ``airflow mcp validate`` reports about a spec: a line of text, or an object of JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from airflow_mcp_provider.spec import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_mcp_provider.errors import Problem, SpecError

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class SpecFinding:
    """One error or warning; the fields are those of the JSON output.

    ``line`` is None, and a text empty, where there is none. ``path`` is the dotted path in the spec.
    """

    file: str
    line: int | None
    path: str
    problem: str
    given: str
    expected: str
    severity: Severity = "error"

    def dump(self) -> dict[str, str | int | None]:
        """Return the object of JSON."""
        return {**asdict(self), "problem": self.problem.rstrip(":")}

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.problem} {self.given}" if self.given else self.problem
        sentence = f"{subject}; expected {self.expected}" if self.expected else subject
        parts = (place, self.severity if self.severity == "warning" else "", self.path, sentence)
        return ": ".join(part for part in parts if part)


def found(error: SpecError, path: Path, severity: Severity = "error") -> Iterator[SpecFinding]:
    """Yield the findings for an error of the spec at ``path`` that has its location (``spec.with_location``)."""
    if not error.problems:
        source = printable(path)
        yield SpecFinding(source, None, "", str(error).removeprefix(f"{source}: "), "", "", severity)
    for problem in error.problems:
        yield of(problem, path, severity)


def of(problem: Problem, path: Path, severity: Severity = "error") -> SpecFinding:
    """Return the finding for one problem of the spec at ``path``."""
    file = problem.file or printable(path)
    return SpecFinding(file, problem.line, problem.path, problem.message, problem.given, problem.expected, severity)
