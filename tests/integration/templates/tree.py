"""A tree of directories for the jobs that walk one, the same each time, and what ``os.walk`` says of it."""

import os
import random
from pathlib import Path


def grow(root: Path, directories: int, lines: int = 2_000) -> Path:
    """Make it: each directory in one of those before, with up to three files of up to ``lines`` lines."""
    some = random.Random(4)
    places = [root]
    for number in range(directories):
        place = some.choice(places) / f"directory {number}"
        place.mkdir(parents=True)
        places.append(place)
        for file in range(some.randrange(4)):
            (place / f"{file}.txt").write_text(f"{number} {file}\n" * some.randrange(lines))
    return root


def walked(root: Path) -> dict[str, int]:
    """Count it."""
    files = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    contents = [path.read_bytes() for path in files]
    return {
        "directories": sum(1 for _ in os.walk(root)),
        "files": len(files),
        "lines": sum(content.count(b"\n") for content in contents),
        "bytes": sum(map(len, contents)),
    }
