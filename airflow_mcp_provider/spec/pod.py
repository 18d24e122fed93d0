"""The pod of a subtask's runner, in the words of the spec: what people set often, and Kubernetes' own for the rest.

Built when a spec is read; nothing of Kubernetes is imported here. ``factory.pod`` makes the real object of it and holds
the free-form parts against Kubernetes' models. A runner that is a process, not a pod, takes nothing of it.
"""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.pod_names import free, free_override
from airflow_mcp_provider.spec.values import FrozenDict, Listed, Text, frozen_json, storable

QUANTITY = r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"
FACTOR = r"^x[0-9]{1,3}(\.[0-9]{1,3})?$"
NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.-]{0,252}$"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def _matching(pattern: str, wrong: str, allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise fault(wrong, allowed=allowed)
        return text

    return AfterValidator(check)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise fault("must be a plain value", allowed="a string, a number, true or false")
    return storable(str(value))


def _mapping(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("must be a mapping", allowed="what Kubernetes has there, in its own words (camelCase)")
    frozen: FrozenDict = frozen_json(value)  # type: ignore[assignment]  # a mapping stays one
    return frozen


def _policy(text: str) -> str:
    if text not in PULL_POLICIES:
        raise fault("is no pull policy", allowed=", ".join(PULL_POLICIES))
    return text


Quantity = Annotated[
    str,
    _matching(QUANTITY, "is no quantity", "a number with a unit such as 500m, 1.5, 512Mi, 2Gi"),
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["string", "number"], "pattern": QUANTITY}),
]
Name = Annotated[Text, _matching(NAME, "is no name in Kubernetes", "lower case letters, digits, - and ., at most 253")]
Variable = Annotated[
    str, _matching(VARIABLE, "is no name of a variable", "letters, digits, _, - and ., no digit first")
]
Scalar = Annotated[str, PlainValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Raw = Annotated[dict[str, Any], PlainValidator(_mapping), WithJsonSchema({"type": "object"})]
Names = Annotated[dict[Text, Scalar], AfterValidator(free)]
MountPath = Annotated[Text, _matching(r"^/[^:]*$", "is no place in the pod", "an absolute path without a colon")]


class Resources(Part):
    """What a runner is promised (``requests``), and what it cannot exceed (``limits``)."""

    requests: dict[Name, Quantity] = Field(default_factory=dict, description="Promised: the scheduler finds a node.")
    limits: dict[Name, Quantity] = Field(default_factory=dict, description="Not exceeded: more memory is a kill.")


class Secret(Part):
    """A Secret of the cluster: as one variable, as files, or (a name alone) all its keys as variables."""

    name: Name = Field(description="The Secret, in the namespace of the pods.")
    key: Variable | None = Field(default=None, description="One value of it; else all.")
    env: Variable | None = Field(default=None, description="The variable that gets the value of key.")
    path: MountPath | None = Field(default=None, description="The folder that gets a file a key.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.env and self.path:
            raise fault("goes two ways", given="env and path", allowed="one of them, or an entry for each")
        if bool(self.env) != bool(self.key) and not self.path:
            raise fault("lacks one of key and env", given="", allowed="both, or neither for all keys as variables")
        return self


class Volume(Part):
    """A volume, mounted at ``path``; exactly one source."""

    path: MountPath = Field(description="Where it is in the pod.")
    claim: Name | None = Field(default=None, description="A PersistentVolumeClaim.")
    config_map: Name | None = Field(default=None, description="A ConfigMap, a file a key.")
    empty: Quantity | None = Field(default=None, description="An empty folder of at most this size, gone with the pod.")
    host_path: MountPath | None = Field(
        default=None, description="A folder of the node; only where [mcp] pod_override is any."
    )
    sub_path: Text | None = Field(default=None, description="Only this folder of the volume.")
    read_only: bool = Field(default=False, description="Mounted for reading alone.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = ("claim", "config_map", "empty", "host_path")
        if (given := [name for name in sources if getattr(self, name) is not None]) and len(given) == 1:
            return self
        raise fault("needs one source", given=" and ".join(given) or "none", allowed=f"one of {', '.join(sources)}")


class OnOom(Part):
    """What a subtask gets on its next try when its memory ran out."""

    memory: Annotated[str, _matching(FACTOR, "is no factor", "x and a number, such as x2 or x1.5")] = Field(
        description="Each time the limit (and the request) is multiplied by this.",
        examples=["x2"],
        json_schema_extra={"pattern": FACTOR},
    )
    max: Quantity = Field(description="The most that it gets.", examples=["8Gi"])

    @model_validator(mode="after")
    def _more(self) -> Self:
        if self.factor <= 1:
            raise fault("is no more than before", given=self.memory, allowed="more than x1", at=("memory",))
        return self

    @property
    def factor(self) -> float:
        """The number after the x."""
        return float(self.memory[1:])


class Pod(Part):
    """How the pods of a job's subtasks look, on top of the installation's pod template."""

    image: Text | None = Field(default=None, description="Else that of the installation.")
    pull_policy: Annotated[str, AfterValidator(_policy)] | None = Field(
        default=None, description="Always, IfNotPresent or Never.", json_schema_extra={"enum": list(PULL_POLICIES)}
    )
    pull_secrets: Annotated[tuple[Name, ...], Listed] = Field(default=(), description="For a private registry.")
    resources: Resources = Field(
        default=Resources.model_construct(), description="CPU, memory and what else is scarce."
    )
    ephemeral_storage: Quantity | None = Field(
        default=None, description="Request and limit of what the pod writes to the node's disk."
    )
    env: dict[Variable, Scalar] = Field(default_factory=dict, description="Variables; no place for secrets.")
    secrets: Annotated[tuple[Secret, ...], Listed] = Field(default=(), description="Secrets as variables or files.")
    volumes: Annotated[tuple[Volume, ...], Listed] = Field(default=(), description="Folders that are mounted.")
    service_account: Name | None = Field(default=None, description="Whom the pod is to the cluster.")
    service_account_token: bool = Field(default=False, description="Whether its token is in the pod.")
    node_selector: dict[Text, Scalar] = Field(default_factory=dict, description="Labels that the node must have.")
    tolerations: Annotated[tuple[Raw, ...], Listed] = Field(default=(), description="As Kubernetes has them.")
    affinity: Raw | None = Field(default=None, description="As Kubernetes has it.")
    priority_class: Name | None = Field(default=None, description="A PriorityClass.")
    labels: Names = Field(default_factory=dict, description="Labels of the pod; none of Airflow's own.")
    annotations: Names = Field(default_factory=dict, description="Annotations of the pod; none of Airflow's own.")
    security_context: Raw | None = Field(
        default=None, description="As Kubernetes has it, of the container or (fsGroup, …) of the pod."
    )
    on_oom: OnOom | None = Field(default=None, description="More memory after a kill for lack of it.")
    override: Annotated[Raw, AfterValidator(free_override)] | None = Field(
        default=None, description="Anything else: metadata and spec of a Pod, merged over all the above."
    )
