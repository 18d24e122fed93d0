"""Images without an engine and without a registry: a tar that `ctr images import`, Docker and Podman read.

A layer is a tar of files of this machine; an image is some layers and a few settings. Files keep the time of their
last change, because a compiled .pyc is valid for the time of its source alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.kubernetes.cluster.packages import program

PAUSE = "localhost/pause:1"
BUSYBOX = "localhost/busybox:1"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
BATCH = 200  # programs that `ldd` is asked about at once


@dataclass(frozen=True)
class Image:
    """What becomes of layers when a container starts."""

    name: str
    layers: Sequence[Path]
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


class Layer:
    """A layer that is being written: everything belongs to root unless it is said."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def copy(self, source: Path, target: str, skip: Collection[str] = ()) -> None:
        """Copy a file or a folder, without what is named by a pattern of ``skip``; links stay links."""

        def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
            name = Path(info.name).name
            return None if any(fnmatch(name, pattern) for pattern in skip) else _root(info)

        self._tar.add(source, target.lstrip("/"), filter=plain)

    def folder(self, path: str, mode: int = 0o755, uid: int = 0) -> None:
        """Make an empty folder."""
        self._add(path, type=tarfile.DIRTYPE, mode=mode, uid=uid)

    def text(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a small file."""
        body = content.encode()
        self._add(path, body, size=len(body), mode=mode)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        self._add(path, type=tarfile.SYMTYPE, linkname=target)

    def programs(self, paths: Collection[Path], needed_by: Sequence[Path] = ()) -> None:
        """Copy programs to the paths that they have here, and the C libraries that they load.

        Likewise what the files of ``needed_by`` load, which come by other ways, and what stands beside them.
        """
        own = {path.resolve() for path in needed_by}
        for path in sorted({*paths, *libraries([*paths, *needed_by])}):
            if path.resolve() not in own:
                self.copy(path.resolve(), str(path))  # by the name that the loader asks for

    def _add(self, path: str, body: bytes = b"", **values: object) -> None:
        info = tarfile.TarInfo(path.lstrip("/"))
        for name, value in values.items():
            setattr(info, name, value)
        self._tar.addfile(info, io.BytesIO(body))


def _root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def libraries(programs: Sequence[Path]) -> set[Path]:
    """Find the C libraries that programs, or libraries themselves, load."""
    found: set[Path] = set()
    for start in range(0, len(programs), BATCH):
        command = ["ldd", *map(str, programs[start : start + BATCH])]
        # Of a static program it says so, on standard error, with code 1.
        out = subprocess.run(command, check=False, capture_output=True, text=True).stdout
        found.update(Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", out, re.MULTILINE))
    return found


@contextmanager
def layer(path: Path) -> Iterator[Layer]:
    """Write a layer to ``path``."""
    with tarfile.open(path, "w") as tar:
        yield Layer(tar)


def made(path: Path, fill: Callable[[Layer], None]) -> Path:
    """Write a layer and give its path."""
    with layer(path) as new:
        fill(new)
    return path


def archive(out: Path, *images: Image) -> None:
    """Write images into one tar; a layer that several of them have is in it once."""
    digests = {path: _digest(path) for image in images for path in image.layers}
    with tarfile.open(out, "w") as tar:
        files = Layer(tar)
        for path, digest in digests.items():
            files.copy(path, f"{digest}.tar")
        configs = [_config(image, digests) for image in images]
        names = [f"{hashlib.sha256(config.encode()).hexdigest()}.json" for config in configs]
        for name, config in zip(names, configs, strict=True):
            files.text(name, config)
        entries = [
            {"Config": name, "RepoTags": [image.name], "Layers": [f"{digests[path]}.tar" for path in image.layers]}
            for name, image in zip(names, images, strict=True)
        ]
        files.text("manifest.json", json.dumps(entries))


def _config(image: Image, digests: Mapping[Path, str]) -> str:
    settings = {
        "Cmd": list(image.command),
        "Env": [f"{name}={value}" for name, value in image.env.items()],
        "User": image.user,
        "WorkingDir": "/",
    }
    layers = {"type": "layers", "diff_ids": [f"sha256:{digests[path]}" for path in image.layers]}
    machine = MACHINES[os.uname().machine]
    return json.dumps({"architecture": machine, "os": "linux", "config": settings, "rootfs": layers})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def small(out: Path) -> None:
    """Write the images that every cluster has: ``PAUSE``, which holds a pod's namespaces, and ``BUSYBOX``."""
    work = Path(tempfile.mkdtemp())
    try:
        layers = [made(work / "busybox.tar", busybox)]
        env = {"PATH": "/bin"}
        # Kubernetes ends a sandbox by SIGKILL; what has no child needs no more than to wait.
        pause = Image(PAUSE, layers, ("/bin/sleep", "2147483647"), env)
        archive(out, pause, Image(BUSYBOX, layers, ("/bin/sh",), env))
    finally:
        shutil.rmtree(work)


def busybox(new: Layer) -> None:
    """Add a shell and the usual commands, and what every container expects to find."""
    for path, mode in (("/bin", 0o755), ("/etc", 0o755), ("/root", 0o755), ("/tmp", 0o1777)):  # noqa: S108 - the image's
        new.folder(path, mode)
    new.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nairflow:x:50000:0:airflow:/opt/airflow:/bin/sh\n")
    new.text("/etc/group", "root:x:0:\n")
    source = Path(program("busybox"))
    new.copy(source.resolve(), "/bin/busybox")
    new.programs(libraries([source]))  # none, where it is static
    for name in subprocess.run([source, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if name != "busybox":
            new.link(f"/bin/{name}", "busybox")
