"""``schedule.watch``: a check that is called again and again; a run starts when it reports pending work.

Built when a spec with such a schedule is read. The check runs in Airflow's triggerer, not in a runner.
"""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.values import Listed, Text
from airflow_mcp_provider.spec.work import FUNCTION, Argument, check_function, check_program

FORMS = ("python", "command", "queue")


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
    queue: Text | None = Field(
        default=None,
        description="A message queue, as a URI of Airflow's common.messaging provider.",
        examples=["redis+pubsub://localhost:6379/uploads"],
    )
    every: TimeLimit = Field(default=timedelta(seconds=30), description="The time between two checks.")
    timeout: TimeLimit = Field(default=timedelta(seconds=20), description="The time limit of one check.")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            wrong = "conflicting keys" if given else "missing key"
            raise fault(wrong, given=" and ".join(given), expected=f"exactly one of {', '.join(FORMS)}")
        return self
