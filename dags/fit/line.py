"""The heavy command: fit a line to one group, find by resampling how sure it is, write its files, tell where they are.

    python3 line.py DATA.csv FOLDER DRAWS

Plain Python, and nothing of the job in it; its last line is its result. The same data give the same files, byte for
byte, so an attempt that repeats another's work spoils nothing.
"""

import csv
import html
import json
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from files import stem_of, write

WIDTH, HEIGHT, DOTS = 640, 400, 2000
FEWEST = 3
Numbers = Sequence[float]


@dataclass(frozen=True)
class Line:
    """``y = slope * x + intercept``; ``r2`` is the share of y's variance that it tells."""

    slope: float
    intercept: float
    r2: float


def fitted(xs: Numbers, ys: Numbers) -> Line:
    """Return the line of least squares; raises ValueError where there is none."""
    if len(xs) < FEWEST or min(xs) == max(xs):
        raise ValueError(f"no line through {len(xs)} rows: {FEWEST} are needed, of more than one x")
    middle_x, middle_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    spread = math.fsum((x - middle_x) ** 2 for x in xs)
    slope = math.fsum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread
    intercept = middle_y - slope * middle_x
    missed = math.fsum((y - slope * x - intercept) ** 2 for x, y in zip(xs, ys, strict=True))
    whole = math.fsum((y - middle_y) ** 2 for y in ys)
    return Line(slope, intercept, 1 - missed / whole if whole else 1.0)


def interval(xs: Numbers, ys: Numbers, draws: int, seed: str) -> tuple[float, float]:
    """Return the bounds of the middle 95 % of the slopes that resampled rows have: this is what takes long."""
    some = random.Random(seed)  # noqa: S311 - the same draws for every attempt, no secret
    middle_x, middle_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    rows = [(x - middle_x, y - middle_y) for x, y in zip(xs, ys, strict=True)]  # small numbers lose no digits
    slopes: list[float] = []
    for _ in repeat(None, draws):
        drawn = some.choices(rows, k=len(rows))
        count, x, y = len(rows), sum(a for a, _ in drawn), sum(b for _, b in drawn)
        spread = sum(a * a for a, _ in drawn) - x * x / count
        if spread > 0:  # else all drawn rows are of one x
            slopes.append((sum(a * b for a, b in drawn) - x * y / count) / spread)
    slopes.sort()
    return slopes[int(0.025 * len(slopes))], slopes[min(int(0.975 * len(slopes)), len(slopes) - 1)]


def read(path: Path) -> tuple[list[str], list[float], list[float]]:
    """Return the names of the first two columns and their numbers; raises ValueError, with the line."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows, [])[:2]
        xs: list[float] = []
        ys: list[float] = []
        for row in rows:
            try:
                x, y = float(row[0]), float(row[1])
            except (ValueError, IndexError):
                raise ValueError(f"{path.name}:{rows.line_num}: no two numbers: {row!r:.80}") from None
            if not math.isfinite(x) or not math.isfinite(y):
                raise ValueError(f"{path.name}:{rows.line_num}: not finite: {row!r:.80}")
            xs.append(x)
            ys.append(y)
    return names, xs, ys


def picture(names: Sequence[str], xs: Numbers, ys: Numbers, line: Line) -> str:
    """Return the rows, some of them where there are many, and the line, as SVG."""
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)

    def at(x: float, y: float) -> str:
        across, up = (x - left) / (right - left), (y - low) / ((high - low) or 1)
        return f"{20 + across * (WIDTH - 40):.1f} {HEIGHT - 20 - up * (HEIGHT - 40):.1f}"

    each = range(0, len(xs), -(-len(xs) // DOTS))
    dots = "".join(f"M{at(xs[n], ys[n])}h0" for n in each)
    ends = "L".join(at(x, line.slope * x + line.intercept) for x in (left, right))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"<title>{html.escape(' and '.join(names))}</title>"
        f'<path d="{dots}" stroke="#4a7" stroke-width="3" stroke-linecap="round"/>'
        f'<path d="M{ends}" stroke="#c33"/></svg>\n'
    )


def page(group: str, figures: dict[str, float], svg: str) -> str:
    """Return a page for people."""
    title = html.escape(group)
    rows = "".join(f"<tr><td>{name}<td>{value:.6g}" for name, value in figures.items())
    head = f'<!doctype html><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
    return f"{head}\n<table>{rows}</table>\n{svg}"


def main(data: Path, folder: Path, draws: int) -> None:
    """Do one group."""
    names, xs, ys = read(data)
    line = fitted(xs, ys)
    low, high = interval(xs, ys, draws, data.stem)
    figures = {"rows": len(xs), "slope": line.slope, "low": low, "high": high}
    figures |= {"intercept": line.intercept, "r2": line.r2}
    svg = picture(names, xs, ys, line)
    table = "".join(f"{name},{value!r}\n" for name, value in figures.items())
    folder.mkdir(parents=True, exist_ok=True)
    texts = {".csv": table, ".svg": svg, ".html": page(data.stem, figures, svg)}
    files = [write(folder / (stem_of(data.stem) + ending), text) for ending, text in texts.items()]
    print(json.dumps({**figures, "files": files}))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    except MemoryError:
        print("this group needs more memory than a fit may have")  # the last line is what the outcome says
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(error)
        sys.exit(1)
