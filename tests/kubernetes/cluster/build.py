"""The programs of Kubernetes, built from their Go modules: no registry, no download of binaries.

Runs on the machine of the tests, once for each version of ``go/``: minutes when nothing is compiled yet.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.kubernetes.cluster.cache import cached
from tests.kubernetes.cluster.unavailable import Unavailable

MODULE = Path(__file__).parent / "go"
FILES = ("go.mod", "go.sum", "main.go")


def kubernetes() -> Path:
    """Give the folder with ``kubernetes``, which is every program of a cluster, and ``kubectl`` for people."""
    return cached("kubernetes", [(MODULE / name).read_bytes() for name in FILES], _build)


def _build(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise Unavailable("building Kubernetes needs Go: there is no `go` on PATH (https://go.dev/dl)")
    # -s -w: nobody debugs it, and a linker that writes no symbols takes half the time.
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {version()}", "-o", f"{folder}/", "."]
    subprocess.run(command, cwd=MODULE, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
    (folder / "kubectl").symlink_to("kubernetes")


def version() -> str:
    """Tell the linker the version that programs report: the sources do not hold it, and clients compare it."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v1\.(\d+)\.\d+)$", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{MODULE / 'go.mod'} requires no release of k8s.io/kubernetes")
    place = "k8s.io/component-base/version"
    values = {"gitVersion": found[1], "gitMajor": "1", "gitMinor": found[2], "gitTreeState": "clean"}
    return " ".join(f"-X {place}.{name}={value}" for name, value in values.items())
