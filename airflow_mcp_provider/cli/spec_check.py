"""All checks of ``airflow mcp validate``: the findings for a set of job specs.

Runs in the shell and in CI, to find an invalid spec before it is deployed. Without a database and a running Airflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_mcp_provider.cli import job_links, loaders, static_checks
from airflow_mcp_provider.cli.named_code import named_code
from airflow_mcp_provider.cli.spec_finding import Severity, SpecFinding, found
from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec import JobSpec, duplicate_ids, load_job, printable, with_location

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from pathlib import Path

    from airflow_mcp_provider.cli.spec_set import SpecSet


@dataclass
class Checks:
    """The checks of one set of specs; ``imports`` is the time limit of imports, None without them."""

    specs: SpecSet
    imports: timedelta | None = None
    valid: dict[str, JobSpec] = field(default_factory=dict)
    """The specs without an error of their own, by job id."""

    def each(self) -> Iterator[tuple[Path, JobSpec | None, list[SpecFinding]]]:
        """Yield each path with its spec and findings; the spec is None when it cannot be loaded."""
        duplicates = duplicate_ids(self.specs.paths)
        for path in self.specs.paths:
            if duplicate := duplicates.get(path):
                yield path, None, [*found(duplicate, path)]
                continue
            spec, findings = self._loaded(path)
            if spec:
                findings = sorted(self._of_spec(spec, path), key=lambda one: one.line or 0)
                self.valid[spec.id] = spec
            yield path, spec, findings

    def together(self) -> Iterator[SpecFinding]:
        """Yield what is wrong with the jobs together, and with the DAG files beside them."""
        for name, problem in job_links.circular(self._linked()):
            path = self.specs.files[name]
            yield from self._located([problem], path)
        for file in loaders.ignored(loaders.beside(self.specs.root)):
            expected = f"a file that Airflow parses: {loaders.FIX}"
            yield SpecFinding(printable(file), None, "", "DAG file ignored by Airflow", "", expected)

    def _loaded(self, path: Path) -> tuple[JobSpec | None, list[SpecFinding]]:
        from airflow_mcp_provider.factory import build_dag  # noqa: PLC0415 - its import takes half a second

        try:
            spec = load_job(path, self.specs.defaults)
            build_dag(spec)
        except Exception as error:  # noqa: BLE001 - an error of one file must not stop the others
            return None, [*found(with_location(error, path, self.specs.defaults), path)]
        return spec, []

    def _of_spec(self, spec: JobSpec, path: Path) -> Iterator[SpecFinding]:
        yield from self._located(static_checks.problems_of(spec, self._others(spec)), path)
        if self.imports is not None and (named := named_code(spec)):
            from airflow_mcp_provider.cli import isolated  # noqa: PLC0415 - only with code to import

            yield from self._located(isolated.problems_of(named, self.specs.code, self.imports), path)
        unknown = [
            problem for problem in job_links.unknown(spec, self.specs.files) if not self.specs.mentions(problem.given)
        ]
        yield from self._located(unknown, path, "warning")

    def _others(self, spec: JobSpec) -> dict[str, JobSpec]:
        named = dict.fromkeys(link.job for link in job_links.links(spec))
        return {name: other for name in named if (other := self.specs.job(name))}

    def _linked(self) -> dict[str, JobSpec]:
        """Return the valid specs, and those that they name, directly or not."""
        linked, left = dict(self.valid), [*self.valid.values()]
        while left:
            new = {name: one for name, one in self._others(left.pop()).items() if name not in linked}
            linked |= new
            left += new.values()
        return linked

    def _located(self, problems: Iterable[Problem], path: Path, severity: Severity = "error") -> Iterator[SpecFinding]:
        given = tuple(problems)
        if given:
            error = SpecError("", problems=given)
            with suppress(Exception):
                error = with_location(error, path, self.specs.defaults)
            yield from found(error if error.problems else SpecError("", problems=given), path, severity)
