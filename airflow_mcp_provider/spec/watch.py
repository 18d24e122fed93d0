"""``schedule.watch``: a check that is called again and again; a run starts when it reports pending work.

Built when a spec with such a schedule is read. The check runs in Airflow's triggerer, not in a runner.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.values import FrozenDict, Listed, Text, frozen_json
from airflow_mcp_provider.spec.work import FUNCTION, check_function, check_program

FORMS = ("python", "command", "queue")
SHORTEST = timedelta(seconds=1)
"""Of every and timeout."""
LONGEST_CHECK = timedelta(minutes=10)
"""Of timeout: checks of other jobs wait for a free place in the triggerer."""
_USER = r"://[^/@]*:[^/@]*@"


def _argument(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _no_password(queue: str) -> str:
    if re.search(_USER, queue):
        expected = "no user and password: an Airflow connection has them, and args its id"
        raise fault("unsupported password in the URI of a queue", given="(hidden)", expected=expected)
    return queue


def _args(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("invalid value", expected="a mapping of arguments and their values")
    return FrozenDict(frozen_json(value))  # type: ignore[arg-type]  # a mapping stays one


def _not_short(duration: timedelta) -> timedelta:
    if duration < SHORTEST:
        raise fault("duration too short:", expected="1s or more")
    return duration


def _not_long(duration: timedelta) -> timedelta:
    if duration > LONGEST_CHECK:
        raise fault("duration too long:", expected="at most 10m: a check only finds out whether there is work")
    return _not_short(duration)


# Without placeholders: a check has no payload and no params.
Argument = Annotated[Text, BeforeValidator(_argument), WithJsonSchema({"type": ["string", "integer"]})]


class Watch(Part):
    """A Python function, a command or a message queue; exactly one of the three is set."""

    python: Annotated[str, AfterValidator(check_function)] | None = Field(
        default=None,
        description=(
            "The function to call, as module.path:function. It returns the conf of the run to start, or nothing when "
            "there is no work."
        ),
        examples=["my_pkg.inbox:pending"],
        json_schema_extra={"pattern": FUNCTION},
    )
    command: Annotated[tuple[Argument, ...], AfterValidator(check_program), Listed] | None = Field(
        default=None,
        description="A program and its arguments. It prints the conf of the run to start as JSON, or nothing.",
        examples=[["python", "pending.py"]],
        json_schema_extra={"minItems": 1},
    )
    queue: Annotated[Text, AfterValidator(_no_password)] | None = Field(
        default=None,
        description=(
            "A message queue: a scheme (or a URI) of a provider for Airflow's common.messaging. A message starts a run "
            "with the conf {message: …}."
        ),
        examples=["redis+pubsub", "sqs", "kafka"],
    )
    args: Annotated[dict[str, Any], PlainValidator(_args), WithJsonSchema({"type": "object"})] = Field(
        default_factory=FrozenDict,
        description="The arguments of the queue's trigger, for example its connection. Only with queue.",
        examples=[{"channels": ["uploads"], "redis_conn_id": "redis_default", "poll_interval": 1}],
    )
    every: Annotated[TimeLimit, AfterValidator(_not_short)] = Field(
        default=timedelta(seconds=30), description="The time between two checks, 1s or more."
    )
    timeout: Annotated[TimeLimit, AfterValidator(_not_long)] = Field(
        default=timedelta(seconds=20), description="The time limit of one check, at most 10m; then it is killed."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            wrong = "conflicting keys" if given else "missing key"
            raise fault(wrong, given=" and ".join(given), expected=f"exactly one of {', '.join(FORMS)}")
        if self.args and self.queue is None:
            raise fault("conflicting keys", given=f"{given[0]} and args", expected="args only with queue")
        return self

    @property
    def check(self) -> dict[str, Any]:
        """The form that is set, as JSON: ``{"python": …}``, ``{"command": […]}`` or ``{"queue": …, "args": {…}}``."""
        if self.python is not None:
            return {"python": self.python}
        if self.command is not None:
            return {"command": [*self.command]}
        return {"queue": self.queue, "args": dict(self.args)}
