"""What a job runs: a Python function, a command, a shell text, a container; and, for a plan, plain items.

Built when a spec is read; the runtime calls what is named here. Each form is told by its one key, so that
an error is about the form that was meant, not about all of them.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)

from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import Path, fault
from airflow_mcp_provider.spec.job_id import JobId
from airflow_mcp_provider.spec.keys import unknown_key
from airflow_mcp_provider.spec.matrix import SCHEMA as MATRIX
from airflow_mcp_provider.spec.matrix import written_out
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.pod import Pod, Scalar, Variable
from airflow_mcp_provider.spec.template import stray_brace
from airflow_mcp_provider.spec.values import Json, Listed, Text, frozen_json, storable

_DOTTED = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
FUNCTION = rf"^{_DOTTED}:{_DOTTED}$"

_BRACES = "{name} of letters, digits and _; {{ and }} for plain braces"


def _function(path: str) -> str:
    if not re.fullmatch(FUNCTION, path):
        raise fault("must name a function", allowed="module.path:function, such as my_pkg.crawl:visit")
    return path


def _argument(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(frozen_json(value))
    if not isinstance(value, str):
        raise fault("must be a string", allowed='strings and whole numbers: put others in "quotes"')
    return value


def _template(text: str, at: Path = ()) -> str:
    if stray := stray_brace(storable(text, at)):
        raise fault(f"has a {stray} that is no part of a placeholder", allowed=_BRACES, at=at, value=text)
    return text


def _argument_text(text: str) -> str:
    return _template(text)  # of one argument: to pydantic the second would be its own


def _program(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command or not command[0].strip():
        raise fault("must begin with a program", allowed="[program, argument, …]")
    return command


def _script(text: str) -> str:
    if not text.strip():
        raise fault("must not be blank", allowed="a text for the shell")
    return text


def _image(text: str) -> str:
    if not text.strip() or any(each.isspace() for each in text):
        raise fault("is no image", allowed="a name such as python:3.13 or registry.example.com/team/tool:7")
    return _template(text)


def _own(env: dict[str, str]) -> dict[str, str]:
    if taken := [name for name in env if name.startswith("MCP_")]:
        raise fault("is set by the runner", given="", allowed="a name that does not begin with MCP_", at=(taken[0],))
    return env


def _item(value: object) -> Json:
    if value is None or isinstance(value, list | tuple):
        raise fault("is no payload", allowed="a mapping, or a string, number or boolean x as short for {item: x}")
    return frozen_json(value, check=_template)


Argument = Annotated[
    str, AfterValidator(_argument_text), BeforeValidator(_argument), WithJsonSchema({"type": ["string", "integer"]})
]
_ITEM = {"type": ["object", "string", "number", "boolean"]}
Item = Annotated[Any, PlainValidator(_item)]
ItemList = Annotated[
    tuple[Item, ...],
    Listed,
    BeforeValidator(lambda value: written_out(value, _template)),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _ITEM}, MATRIX]}),
]


class PythonWork(Part):
    """A Python function, imported in the runner."""

    python: Annotated[str, AfterValidator(_function)] = Field(
        description="module.path:function, called in the runner; it may be async.",
        examples=["my_pkg.crawl:visit"],
        json_schema_extra={"pattern": FUNCTION},
    )


class CommandWork(Part):
    """A program with its arguments, started without a shell."""

    command: Annotated[tuple[Argument, ...], AfterValidator(_program), Listed] = Field(
        description="The program and its arguments; {name} stands for a value of the payload or of params.",
        examples=[["python", "visit.py", "{url}"]],
        json_schema_extra={"minItems": 1},
    )


class ShellWork(Part):
    """A text for the shell; payload and params are in its environment, never pasted into it."""

    shell: Annotated[Text, AfterValidator(_script)] = Field(
        description="Run by /bin/sh; $MCP_SUBTASK and $MCP_PARAMS hold JSON, $MCP_SUBTASK_<NAME> scalars.",
        examples=['curl -fsS "$MCP_SUBTASK_URL"'],
        json_schema_extra={"minLength": 1},
    )


class Container(Part):
    """An image and how it is started: what Kubernetes calls a container, as far as a job has to say it."""

    image: Annotated[Text, AfterValidator(_image)] = Field(
        description="The image, of any language; {name} stands for a value of the payload or of params.",
        examples=["python:{version}-slim"],
        json_schema_extra={"minLength": 1},
    )
    command: Annotated[tuple[Argument, ...], AfterValidator(_program), Listed] | None = Field(
        default=None, description="In place of the image's own program (ENTRYPOINT); placeholders as in the image."
    )
    args: Annotated[tuple[Argument, ...], Listed] | None = Field(
        default=None, description="In place of the arguments that the image gives it (CMD); likewise."
    )
    env: Annotated[dict[Variable, Scalar], AfterValidator(_own)] = Field(
        default_factory=dict, description="Variables, as they stand here; no place for secrets."
    )
    user: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = Field(
        default=None, description="The number of the user that it runs as; else the image's."
    )
    start: TimeLimit = Field(
        default=timedelta(minutes=10), description="It must have begun to run by then: image, node, quota."
    )


class ContainerWork(Part):
    """Any image: a pod of its own in a cluster, on a laptop a container of its Docker engine."""

    container: Container = Field(
        description="A container that is run to its end.",
        examples=[{"image": "alpine:3", "command": ["sh", "-c", 'echo "$MCP_SUBTASK_URL"']}],
    )


class JobWork(Part):
    """A run of another job, which the subtask waits for."""

    job: JobId = Field(
        description="The id of the job that is run; the payload is its conf, its report's result is the result.",
        examples=["crawl_site"],
    )


class Items(Part):
    """The first subtasks, written out."""

    items: ItemList = Field(
        description=(
            "Payloads of the first subtasks; a plain value x is short for {item: x}. {matrix: {name: [value, …], …}} "
            "stands for every combination."
        ),
        examples=[["a", "b"], {"matrix": {"os": ["linux", "mac"], "python": ["3.12", "3.13"]}}],
    )


def one_image(pod: Pod | None, info: ValidationInfo) -> Pod | None:
    """Refuse a pod with an image for work that has its own."""
    if pod and pod.image and isinstance(info.data.get("run"), ContainerWork):
        wrong = "stands beside the image of run.container, which would hide it"
        raise fault(wrong, given=pod.image, allowed="no image in pod", at=("image",))
    return pod


def _form(value: object) -> str:
    """Return the key that tells the form of a value that ``_one_of`` let through."""
    return str(next(iter(value if isinstance(value, dict) else type(value).model_fields)))  # type: ignore[attr-defined]


def _one_of(place: str, *forms: type[Part]) -> BeforeValidator:
    keys = [key for form in forms for key in form.model_fields]
    allowed = f"exactly one of {', '.join(keys)}"

    def check(value: object) -> object:
        if isinstance(value, forms):
            return value
        if not isinstance(value, dict):
            raise fault("must be a mapping", allowed=allowed)
        if unknown := [key for key in value if key not in keys]:
            raise fault(unknown_key(place, unknown[0], keys), given="", allowed=allowed, at=(str(unknown[0]),))
        if len(value) != 1:
            raise fault("must have one key", given=" and ".join(value) or "none", allowed=allowed)
        return value

    return BeforeValidator(check)


_Python = Annotated[PythonWork, Tag("python")]
_Command = Annotated[CommandWork, Tag("command")]
_Shell = Annotated[ShellWork, Tag("shell")]
_Container = Annotated[ContainerWork, Tag("container")]
_Job = Annotated[JobWork, Tag("job")]
_Items = Annotated[Items, Tag("items")]

Work: TypeAlias = PythonWork | CommandWork | ShellWork
RunnerWork: TypeAlias = Work | ContainerWork
SubtaskWork: TypeAlias = RunnerWork | JobWork
Plan: TypeAlias = RunnerWork | Items

_HERE = (PythonWork, CommandWork, ShellWork)
_WORK = _Python | _Command | _Shell
PlanField = Annotated[_WORK | _Container | _Items, Discriminator(_form), _one_of("plan", *_HERE, ContainerWork, Items)]
RunField = Annotated[_WORK | _Container | _Job, Discriminator(_form), _one_of("run", *_HERE, ContainerWork, JobWork)]
ReportField = Annotated[_WORK, Discriminator(_form), _one_of("report", *_HERE)]
