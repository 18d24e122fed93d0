"""An image of somebody's own: one program and its user, no Python, no /tmp, no shell at its usual place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.kubernetes.cluster.images import Image, Layer, archive, libraries, made
from tests.kubernetes.cluster.packages import installed

BARE, ROOT = "localhost/bare:1", "localhost/bare-root:1"
USER = 12345
SH = ["/busybox", "sh", "-c"]


def bare(out: Path) -> Path:
    """Write the image, and the same for who would run as root."""
    work = Path(tempfile.mkdtemp())
    try:
        layers = [made(work / "layer.tar", _fill)]
        said = ("/busybox", "echo", '["said by the image"]')
        archive(out, Image(BARE, layers, said, {"OWN": "1"}, f"{USER}"), Image(ROOT, layers, said))
    finally:
        shutil.rmtree(work)
    return out


def _fill(new: Layer) -> None:
    source = Path(installed("busybox"))
    new.copy(source.resolve(), "/busybox")
    new.programs(libraries([source]))  # none, where it is static
