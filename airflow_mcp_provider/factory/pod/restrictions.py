"""Check a job's pod for unsafe settings: those that give access to the node or to permissions of other pods.

The setting ``[mcp] pod_override`` selects what is allowed. ``safe`` corresponds to the Pod Security Standard
"restricted", except for the user and the privileges inside the container: a job may run an image as root with the
default capabilities of the container runtime. The check runs when the DAG is parsed. Pod Security Admission of the
namespace is needed as well: it checks all pods there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow.configuration import conf

from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec import Pod
from airflow_mcp_provider.spec.faults import Path, dotted, shown

SETTING = "[mcp] pod_override"
VALUES = ("safe", "any", "off")
OF_NODE = ("hostNetwork", "hostPID", "hostIPC", "nodeName")
VOLUMES = frozenset(
    {
        *("name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
CAPABILITY = "NET_BIND_SERVICE"
SYSCTLS = frozenset(
    {
        *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"),
        *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
        *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
        *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    }
)
PROFILES = ("RuntimeDefault", "Localhost")
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""The prefix of the annotations that are the older form of ``appArmorProfile``."""
HANDLERS: tuple[Path, ...] = (
    *(("livenessProbe",), ("readinessProbe",), ("startupProbe",)),
    *(("lifecycle", "postStart"), ("lifecycle", "preStop")),
)
SELINUX = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t", "")


def refused(pod: Pod) -> Iterator[Problem]:
    """Yield what this installation does not allow in ``pod``, whose types have been checked with the models."""
    setting = conf.get("mcp", "pod_override", fallback="safe").strip().lower()
    if setting not in VALUES:
        expected = f"one of {', '.join(VALUES)}"
        yield Problem(f"invalid value of {SETTING}:", "pod", given=shown(setting), expected=expected)
    elif setting == "off" and pod.override:
        yield Problem(f"unsupported in this installation: {SETTING} is off", "pod.override")
    elif setting != "any":
        yield from _of_fields(pod)
        override = pod.override or {}
        annotations = (override.get("metadata") or {}).get("annotations") or {}
        yield from _annotations(annotations, ("pod", "override", "metadata", "annotations"))
        yield from _of_spec(override.get("spec") or {}, ("pod", "override", "spec"))


def _of_fields(pod: Pod) -> Iterator[Problem]:
    yield from _annotations(pod.annotations, ("pod", "annotations"))
    yield from _context(pod.security_context or {}, ("pod", "security_context"))
    yield from _account(pod.service_account, ("pod", "service_account"))
    yield from _priority(pod.priority_class, ("pod", "priority_class"))
    for number, volume in enumerate(pod.volumes):
        if volume.host_path:
            yield _unsafe(("pod", "volumes", number, "host_path"), "claim, config_map, empty")


def _of_spec(spec: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    yield from (_unsafe((*path, key)) for key in OF_NODE if spec.get(key))
    for key in ("serviceAccountName", "serviceAccount"):
        yield from _account(spec.get(key), (*path, key))
    yield from _priority(spec.get("priorityClassName"), (*path, "priorityClassName"))
    yield from _context(spec.get("securityContext") or {}, (*path, "securityContext"))
    for number, volume in enumerate(spec.get("volumes") or ()):
        yield from _volume(volume, (*path, "volumes", number))
    for key in CONTAINERS:
        for number, container in enumerate(spec.get(key) or ()):
            yield from _container(container, (*path, key, number))


def _volume(volume: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for key in sorted({key for key, source in volume.items() if source is not None} - VOLUMES):
        yield _unsafe((*path, key), ", ".join(sorted(VOLUMES - {"name"})))
    for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
        if source.get("serviceAccountToken"):
            yield _unsafe((*path, "projected", "sources", number, "serviceAccountToken"), "pod.service_account_token")


def _container(container: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    yield from _context(container.get("securityContext") or {}, (*path, "securityContext"))
    for number, port in enumerate(container.get("ports") or ()):
        if port.get("hostPort"):
            yield _unsafe((*path, "ports", number, "hostPort"))
    for at in HANDLERS:
        yield from _handler(container, at, path)


def _handler(container: Mapping[str, Any], at: Path, path: Path) -> Iterator[Problem]:
    """Check the host of a probe or hook: the kubelet connects to it from the network of the node."""
    handler: Any = container
    for key in at:
        handler = handler.get(key) or {}
    for kind in ("httpGet", "tcpSocket"):
        if (handler.get(kind) or {}).get("host"):
            yield _unsafe((*path, *at, kind, "host"), "no host (default: the pod)")


def _annotations(annotations: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for name, value in annotations.items():
        safe = str(value or "") in {"", "runtime/default"} or str(value).startswith("localhost/")
        if name.startswith(APPARMOR) and not safe:
            yield _unsafe((*path, name), "runtime/default, localhost/…")


def _context(context: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """Check the security context of a pod or a container."""
    yield from (_unsafe((*path, key)) for key in ("privileged", "allowPrivilegeEscalation") if context.get(key))
    if context.get("procMount") not in (None, "Default"):
        yield _unsafe((*path, "procMount"), "Default")
    if {*((context.get("capabilities") or {}).get("add") or ())} - {CAPABILITY}:
        yield _unsafe((*path, "capabilities", "add"), CAPABILITY)
    for key in ("seccompProfile", "appArmorProfile"):
        if (context.get(key) or {}).get("type", PROFILES[0]) not in PROFILES:
            yield _unsafe((*path, key, "type"), ", ".join(PROFILES))
    yield from _systems(context, path)


def _systems(context: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    options = context.get("seLinuxOptions") or {}
    if options.get("user") or options.get("role") or (options.get("type") or "") not in SELINUX:
        yield _unsafe((*path, "seLinuxOptions"))
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield _unsafe((*path, "windowsOptions", "hostProcess"))
    for number, one in enumerate(context.get("sysctls") or ()):
        if one.get("name") not in SYSCTLS:
            yield _unsafe((*path, "sysctls", number), ", ".join(sorted(SYSCTLS)))


def _account(name: str | None, path: Path) -> Iterator[Problem]:
    """Check the service account: the one that may create pods is only for runners, which run no code of a job."""
    if name and name == conf.get("mcp", "container_service_account", fallback=""):
        yield _unsafe(path, "another service account")


def _priority(name: str | None, path: Path) -> Iterator[Problem]:
    if name and name.startswith("system-"):
        yield _unsafe(path, "a PriorityClass that does not begin with system-")


def _unsafe(path: Path, expected: str = "") -> Problem:
    wrong = f"unsafe setting, allowed only with {SETTING} = any"
    return Problem(wrong, dotted(path), expected=expected)
