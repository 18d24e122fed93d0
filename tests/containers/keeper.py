"""Keeps one Docker engine for the tests: starts Debian's dockerd, and takes away all that it made.

A process of its own, started by ``engine.py``: it ends the engine when its stdin closes. That is how a test run that
was killed leaves nothing behind either. dockerd itself would leave its containers' mounts, its bridge, its chains of
rules, its control groups, and everything it has stored.

    python -m tests.containers.keeper FOLDER
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.sizes import patient

LOCK = Path("/tmp/airflow-mcp-dockerd.lock")  # noqa: S108 - all users of the machine share one docker0 and its rules
START, STOP = patient(60), patient(30)  # seconds


def main(folder: Path) -> None:
    """Start, say so with one line, wait for the end of stdin, tear down."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a Ctrl-C is for the tests; we end when they have ended
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            keep(folder, start(folder))
        finally:
            clean(folder)


def keep(folder: Path, daemon: subprocess.Popen[bytes]) -> None:
    """Until the end of stdin, which whoever asked for the engine may have reached before it was there."""
    try:
        with contextlib.suppress(BrokenPipeError):
            print(socket(folder), flush=True)  # noqa: T201 - what engine.py waits for
            sys.stdin.read()
    finally:
        stop(folder, daemon)


def socket(folder: Path) -> str:
    return f"unix://{folder}/docker.sock"


def docker(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["docker", "--host", socket(folder), *arguments], capture_output=True, text=True, check=False, timeout=STOP
    )
    return done.stdout if done.returncode == 0 else ""


def start(folder: Path) -> subprocess.Popen[bytes]:
    # Else dockerd turns it on by itself, and then drops all that other bridges forward.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    (folder / "daemon.json").write_text("{}")  # not the machine's own
    options = {
        "data-root": folder / "data",
        "exec-root": folder / "exec",
        "pidfile": folder / "pid",
        "host": socket(folder),
        "config-file": folder / "daemon.json",
    }
    argv = ["dockerd", *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    wait_for(folder, daemon)
    return daemon


def wait_for(folder: Path, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START
    while not docker(folder, "version", "--format", "{{.Server.Version}}"):
        if daemon.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"dockerd did not start:\n{(folder / 'log').read_text()[-3000:]}")
        time.sleep(0.1)


def stop(folder: Path, daemon: subprocess.Popen[bytes]) -> None:
    """Take the containers and networks away while the engine can, then end it with its containerd."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        if containers := docker(folder, "ps", "--all", "--quiet").split():
            docker(folder, "rm", "--force", "--volumes", *containers)
        docker(folder, "network", "prune", "--force")
    daemon.terminate()
    try:
        daemon.wait(STOP)
    except subprocess.TimeoutExpired:
        os.killpg(daemon.pid, signal.SIGKILL)


def clean(folder: Path) -> None:
    """Remove what dockerd leaves: mounts, rules, the bridge, control groups, its folder."""
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (mount := line.split()[1]).startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", mount], check=False)
    for table in ("filter", "nat"):
        clean_rules(table)
    subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)
    for group in Path("/sys/fs/cgroup").glob("*/docker"):
        with contextlib.suppress(OSError):
            group.rmdir()
    shutil.rmtree(folder, ignore_errors=True)


def clean_rules(table: str) -> None:
    listed = subprocess.run(["iptables", "-t", table, "-S"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if re.search(r"\bDOCKER|\bdocker0\b", line)]
    commands = [line.replace("-A ", "-D ", 1) for line in ours if line.startswith("-A ")]
    commands += [line.replace("-N ", "-X ", 1) for line in ours if line.startswith("-N ")]
    for command in commands:
        subprocess.run(["iptables", "-t", table, *command.split()], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
