"""The queue of a job: which runs may be submitted, in which order they start, and which ended ones are kept."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.keep import KeepField
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.pod import Quantity
from airflow_mcp_provider.spec.rate import RateField
from airflow_mcp_provider.spec.values import Listed, Text

Overlap = Literal["queue", "reject", "replace_waiting", "replace_running"]
MOST_PENDING = 100_000


def _fits(overlap: Overlap, info: ValidationInfo) -> Overlap:
    """At most one run waits where the newest replaces the others, so a limit of waiting runs has no meaning."""
    if overlap != "queue" and info.data.get("max_pending") is not None:
        raise fault(f"overlap: {overlap} with max_pending", given="", expected="one of the two")
    return overlap


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise fault("duplicate param", given=", ".join(names), expected="each param once")
    return names


class Queue(Part):
    """The rules of the job's queue: they hold for every way to submit a run."""

    priority: int = Field(
        default=0,
        ge=-1000,
        le=1000,
        description=(
            "The priority of the job's tasks over those of other jobs, and of its runs whose conf has no mcp_priority. "
            "A higher priority starts first."
        ),
    )
    max_pending: int | None = Field(
        default=None, ge=1, le=MOST_PENDING, description="The maximum number of queued runs. A further one is refused."
    )
    per_submitter: int | None = Field(
        default=None,
        ge=1,
        le=MOST_PENDING,
        description="The maximum number of queued and running runs of one user. A further one is refused.",
    )
    rate: RateField | None = Field(
        default=None,
        description="The maximum number of submitted runs in a period, of all users or of each.",
        examples=["10/min", "3/h per submitter"],
    )
    unique: Annotated[tuple[Text, ...], AfterValidator(_each_once), Listed] = Field(
        default=(),
        description=(
            "Names of params. While a run with the same values of all of them is queued, a further one is refused; "
            "the HTTP API answers with the queued one."
        ),
        examples=[["url"]],
    )
    overlap: Annotated[Overlap, AfterValidator(_fits)] = Field(
        default="queue",
        description=(
            "What happens to a run that is submitted while another is active. queue: it waits. reject: it is refused. "
            "replace_waiting: it replaces the queued ones. replace_running: it replaces the running one, too."
        ),
    )
    memory: Quantity | None = Field(
        default=None,
        description=(
            "No run starts while the host of the scheduler has less available memory. For runners on that host; "
            "where runners are pods, use requests."
        ),
        examples=["2Gi"],
    )
    keep: KeepField | None = Field(
        default=None,
        description="Which ended runs are kept: the newest of a number, or those younger than an age. Default: all.",
        examples=[100, "30d"],
    )
