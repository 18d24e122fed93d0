"""A tree of everything that can be wrong with one, and its counts by the system's own tools."""

import os
import socket
import subprocess
from collections import defaultdict
from pathlib import Path

NAMES = [
    b"-rf",
    b"--help.py",
    b"new\nline.py",
    b"newline at its end\n",
    b"tab\t.txt",
    b"'single' \"double\".js",
    b"back\\slash.c",
    b"$(touch owned)`id`.sh",
    b"percent%41.md",
    b"not utf-8 \xff\xfe.py",
    b"\x1b[31mred\x07",
    "日本語.rs".encode(),
    "👩‍👩‍👧 family.go".encode(),
    b" ",
    b"*",
    b"{braces}",
    b"~",
    b"#",
    b"x" * 255,
]
"""Of files, and of directories."""


def build(root: Path) -> None:
    for number, raw in enumerate(NAMES):
        name = os.fsdecode(raw)
        directory = root / "directories" / name
        directory.mkdir(parents=True)
        (directory / "same in all.txt").write_bytes(b"the same\n" * 3)
        (directory / name).write_bytes(b"line\n" * number)
        (root / name).write_bytes(b"%d\n" % number)
    _links(root)
    _special(root)
    _contents(root)


def _links(root: Path) -> None:
    links = root / "links"
    links.mkdir()
    (links / "circle").symlink_to(links)
    (links / "up").symlink_to("..")
    (links / "itself").symlink_to("itself")
    (links / "broken").symlink_to("nowhere")
    (links / "to a file").symlink_to(root / "contents/million lines.log")
    (links / "one.bin").write_bytes(b"twice named" * 50)
    (links / "one more name.bin").hardlink_to(links / "one.bin")


def _special(root: Path) -> None:
    special = root / "special"
    special.mkdir()
    os.mkfifo(special / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(special / "socket"))


def _contents(root: Path) -> None:
    contents = {
        "million lines.log": b"line\n" * 1_000_000,
        "one long line.json": b"0" * 3_000_000,
        "no newline at its end.py": b"one\ntwo",
        "empty.py": b"",
        "empty, too": b"",
        "binary.png": b"\x89PNG\0\n\n\n",
        "NUL after 8 KB.txt": b"x\n" * 5000 + b"\0\n",
        "script": b"#!/usr/bin/env -S python3.12 -u\nprint()\n",
        "CRLF.bat": b"one\r\ntwo\r\n",
    }
    (root / "contents").mkdir()
    for name, content in contents.items():
        (root / "contents" / name).write_bytes(content)


def place(root: Path, path: bytes) -> Path:
    return root / os.fsdecode(path)


def found(root: Path, *tests: str) -> list[bytes]:
    """Paths below the root, by find."""
    # Not checked: at a link to itself find complains and goes on.
    paths = _output(["find", ".", *tests, "-print0"], root, check=False).split(b"\0")
    return [path.removeprefix(b"./") for path in paths if path]


def lines(root: Path, path: bytes) -> int | None:
    """Lines by wc; None for what head shows to be binary."""
    if b"\0" in _output(["head", "-c", "8192", b"./" + path], root):
        return None
    return int(_output(["wc", "-l", b"./" + path], root).split()[0])


def size(root: Path, path: bytes) -> int:
    return int(_output(["stat", "-c", "%s", b"./" + path], root))


def duplicates(root: Path) -> dict[str, set[bytes]]:
    """Paths of equal content by their short hash, by sha256sum; of the names of one file only the first."""
    by_hash: dict[str, set[bytes]] = defaultdict(set)
    inodes = set()
    for path in sorted(found(root, "-type", "f", "-size", "+0")):
        inode = place(root, path).lstat().st_ino
        if inode not in inodes:
            inodes.add(inode)
            by_hash[_output(["sha256sum", "-z", b"./" + path], root)[:16].decode()].add(path)
    return {short: paths for short, paths in by_hash.items() if len(paths) > 1}


def _output(command: list[str | bytes], folder: Path, *, check: bool = True) -> bytes:
    return subprocess.run(command, cwd=folder, capture_output=True, check=check).stdout
