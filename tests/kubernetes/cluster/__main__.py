"""The tests' cluster for people.

    python -m tests.kubernetes.cluster build                builds what it needs, once: minutes
    python -m tests.kubernetes.cluster up [IMAGE.tar …]     starts it, gives it images, prints how to reach it
    python -m tests.kubernetes.cluster down                 ends it; nothing is left

Needs root and Go. The tests do not use this one: they start one of their own beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.kubernetes.cluster import Cluster, Unavailable, build, guard, prepare

HOW = "how"  # a file in the cluster's folder: what `up` prints


def main(arguments: list[str]) -> str | None:
    """Do what is asked for; give the reason where it cannot be done."""
    try:
        match arguments:
            case ["build"]:
                prepare()
            case ["up", *tars]:
                _up([Path(tar) for tar in tars])
            case ["down"]:
                _down()
            case _:
                return __doc__
    except Unavailable as reason:
        return str(reason)
    return None


def _up(tars: list[Path]) -> None:
    kept = guard.kept()
    if kept and tars:
        raise Unavailable("it runs, and takes images when it starts: `down` first")
    folder = kept[0] if kept else _start(tars)
    sys.stdout.write((folder / HOW).read_text())


def _start(tars: list[Path]) -> Path:
    with Cluster(keep=True) as cluster:
        for tar in tars:
            cluster.load_image(tar)
        folder = cluster.kubeconfig.parent
        how = f"export KUBECONFIG={cluster.kubeconfig} PATH={build.kubernetes()}:$PATH\n"
        (folder / HOW).write_text(f"{how}# pods reach this machine at {cluster.host}\n")
    return folder


def _down() -> None:
    for folder in guard.kept():
        guard.end(folder)
    guard.sweep()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
