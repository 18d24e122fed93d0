from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.runtime.reference import resolve

METHODS = """
import functools

class Base:
    def inherited(self, subtask): return 1

class Job(Base):
    def visit(self, subtask): return 1
    by_lambda = lambda self, subtask: 1
    partly = functools.partialmethod(visit, 1)
    @functools.cache
    def cached(self, subtask): return 1
    @staticmethod
    def static(subtask): return 2
    @classmethod
    def of_class(cls, subtask): return 3
    class Inner:
        def visit(self, subtask): return 1
        def __init__(self, subtask): ...
    plain = print

job = Job()
"""


@pytest.fixture
def job(module: Callable[[str], str]) -> str:
    return module(METHODS)


@pytest.mark.parametrize("name", ["visit", "inherited", "by_lambda", "partly", "cached", "Inner.visit"])
def test_a_method_needs_an_instance(job: str, name: str) -> None:
    with pytest.raises(SpecError, match=rf"^{job}:Job\.{name} is a method of the class \w+ and needs an instance"):
        resolve(f"{job}:Job.{name}")


def test_a_method_of_a_builtin_class_needs_one_too() -> None:
    with pytest.raises(SpecError, match="is a method of the class str"):
        resolve("builtins:str.upper")


@pytest.mark.parametrize("name", ["Job.static", "Job.of_class", "Job.Inner", "Job.plain", "job.visit", "Job"])
def test_what_needs_no_instance(job: str, name: str) -> None:
    assert callable(resolve(f"{job}:{name}"))


def test_where_it_was_looked_for_is_told(job: str) -> None:
    with pytest.raises(SpecError, match=rf"{job}:nothing: {job} \(.*{job}\.py\) has no attribute 'nothing'"):
        resolve(f"{job}:nothing")


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands before the standard library, and the true module not loaded."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("colorsys", "hidden_user"):
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "user"),
    [
        ("colorsys.py", "", "from colorsys import rgb_to_hsv"),
        ("colorsys.py", "", "import colorsys; colorsys.rgb_to_hsv"),
        ("colorsys.py", "import nowhere_at_all", "import colorsys"),
        ("colorsys.py", "1 / 0", "import colorsys"),
        ("colorsys/__init__.py", "", "import colorsys.inner"),
    ],
)
def test_a_file_that_hides_the_standard_library_is_named(hidden: Path, file: str, text: str, user: str) -> None:
    (hidden / file).parent.mkdir(exist_ok=True)
    (hidden / file).write_text(text)
    (hidden / "hidden_user.py").write_text(user + "\ndef visit(subtask): ...\n")
    with pytest.raises(SpecError) as raised:
        resolve("hidden_user:visit")
    assert f"{hidden / file} shadows the module colorsys of Python's standard library" in str(raised.value)


def test_an_error_of_the_module_itself_stays_what_it_is(module: Callable[[str], str]) -> None:
    with pytest.raises(ZeroDivisionError):
        resolve(module("1 / 0") + ":visit")


@pytest.mark.parametrize("reference", ["queue:visit", "queue.jobs:visit"])
def test_a_module_that_the_standard_library_hides_is_told(reference: str) -> None:
    with pytest.raises(SpecError, match="queue is a module of Python's standard library: rename a module of your own"):
        resolve(reference)
