"""Write ``airflow_mcp_provider/dag.pyi``: the constructors of all parts of a spec, for editors and type checkers.

    .venv/bin/python -m scripts.stub

A test keeps the file equal to what this makes of the models.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from airflow_mcp_provider import dag, spec
from airflow_mcp_provider.factory import job as decorator
from airflow_mcp_provider.spec.model import Part

TARGET = Path(dag.__file__).with_suffix(".pyi")
SHORT = {
    timedelta: "timedelta | str | float",
    datetime: "datetime | str",
    spec.Tolerate: "str | int",
    spec.Keep: "str | int",
    spec.Rate: "str",
}
HEAD = '''\
"""Made by scripts/stub.py from the models of airflow_mcp_provider.spec: do not edit."""
# ruff: noqa: A002, PYI021

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, ParamSpec, TypeVar

from airflow_mcp_provider import spec as _spec
from airflow_mcp_provider.factory import build_dag as build_dag
from airflow_mcp_provider.factory import load_dags as load_dags
from airflow_mcp_provider.factory.job import Job as Job
from airflow_mcp_provider.spec import to_python as to_python
from airflow_mcp_provider.spec import to_yaml as to_yaml

_P = ParamSpec("_P")
_R = TypeVar("_R")
'''
SPECIAL = {
    ("Items", "items"): "Sequence[Any] | Mapping[str, Mapping[str, Sequence[Any]]]",
    ("Schedule", "cron"): "str | Sequence[str]",
}
"""Fields whose short forms are not visible in their types."""


def made() -> str:
    """Return the text of the stub."""
    parts = [each for name in dag.__all__ if inspect.isclass(each := getattr(dag, name)) and issubclass(each, Part)]
    text = "\n\n".join([HEAD.rstrip(), *map(_class, parts), _decorator()]) + "\n"
    ruff = Path(sys.executable).with_name("ruff")
    return subprocess.run(  # noqa: S603 - a tool of this repository
        [ruff, "format", "--stdin-filename", TARGET, "-"], input=text, capture_output=True, text=True, check=True
    ).stdout


def _class(part: type[Part]) -> str:
    fields = part.model_fields
    required = sorted(fields, key=lambda name: not fields[name].is_required())
    arguments = "".join(f"        {name}: {_field(part, name)},\n" for name in required)
    lines = [
        f"class {part.__name__}(_spec.{part.__name__}):",
        textwrap.indent(_doc(part), "    "),
        f"    def __init__(\n        self,\n        *,\n{arguments}    ) -> None: ...",
    ]
    return "\n".join(lines)


def _doc(part: type[Part]) -> str:
    summary = inspect.getdoc(part) or ""
    lines = [f":param {name}: {field.description}" for name, field in part.model_fields.items()]
    wrapped = ["\n".join(textwrap.wrap(line, 110, subsequent_indent="    ")) for line in lines]
    return '"""' + summary + "\n\n" + "\n".join(wrapped) + '\n"""\n'


def _field(part: type[Part], name: str) -> str:
    field = part.model_fields[name]
    text = SPECIAL.get((part.__name__, name)) or " | ".join(dict.fromkeys(_types(_whole(field))))
    if part.__name__ == "On":
        text = f"{text.removeprefix('Sequence[').removesuffix(']')} | {text}"
    return text if field.is_required() else f"{text} = ..."


def _whole(field: FieldInfo) -> Any:  # noqa: ANN401 - a type
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _types(kind: Any) -> Iterator[str]:  # noqa: ANN401 - a type
    """Yield the types that a field of the type ``kind`` takes."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _types(arguments[0])
        if (
            any(isinstance(mark, WithJsonSchema) and "number" in str(mark.json_schema) for mark in arguments[1:])
            and arguments[0] is str
        ):
            yield "float"
    elif origin in {Union, types.UnionType}:
        for one in arguments:
            yield from _types(one)
    elif origin is tuple:
        yield f"Sequence[{' | '.join(dict.fromkeys(_types(arguments[0])))}]"
    elif origin is dict:
        yield f"Mapping[str, {' | '.join(dict.fromkeys(_types(arguments[1])))}]"
    elif origin is Literal:
        yield f"Literal[{', '.join(map(repr, arguments))}]"
    else:
        yield SHORT.get(kind) or ("Any" if kind is Any else "None" if kind is type(None) else kind.__name__)


def _decorator() -> str:
    names = [name for name in spec.JobSpec.model_fields if name in decorator.Fields.__annotations__]
    arguments = "".join(f"    {name}: {_field(spec.JobSpec, name)},\n" for name in names)
    doc = textwrap.indent('"""' + (inspect.getdoc(decorator.job) or "") + '\n"""', "    ")
    works = "PythonWork | CommandWork | ShellWork"
    return (
        f"def job(\n    *,\n    plan: {works} | ContainerWork | Items | Callable[..., Any] | Iterable[Any],\n"
        f"    report: {works} | Callable[..., Any] | None = ...,\n    id: str | None = ...,\n{arguments}"
        f") -> Callable[[Callable[_P, _R]], Job[_P, _R]]:\n{doc}\n"
    )


if __name__ == "__main__":
    TARGET.write_text(made())
    print(f"written: {TARGET}")
