"""The functions that the job names: ``plan`` finds the first subtask, ``visit`` does one.

Both run in a runner. All that a subtask finds is in its result, as facts of each file: sums are the report's.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime import enqueue_many, progress

from .listing import ROOT, Listing, Tree, opened, reason
from .reading import Row, facts
from .walk import payload, quota, survey

_BETWEEN_PROGRESS_S = 1.0


def plan(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the root's subtask. Raises OSError when the path is no directory that can be read."""
    _tree(params)
    return [payload([ROOT])]


def visit(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Read some directories; enqueue those below them that are too many for one subtask."""
    tree = _tree(params)
    found = survey(tree, subtask, quota(params))
    enqueue_many(found.left)
    part = {"part": subtask["part"]} if "part" in subtask else {}
    return {"directories": [part | _row(tree, listing, params["read_limit"]) for listing in _told(found.listings)]}


def _tree(params: Mapping[str, Any]) -> Tree:
    root = Path(params["path"])
    if not root.is_absolute():
        raise ValueError(f"path: {root} is relative to nothing: a run has no working directory; give it from / on")
    return Tree.at(root.resolve(), params["exclude"], other_file_systems=params["other_file_systems"])


def _told(listings: Sequence[Listing]) -> Iterator[Listing]:
    """Give the listings, and say from time to time how many of their files are read."""
    total = sum(len(listing.files) for listing in listings)
    done, told = 0, time.monotonic()
    for listing in listings:
        yield listing
        done += len(listing.files)
        if time.monotonic() - told >= _BETWEEN_PROGRESS_S:
            progress(done / max(total, 1), f"{done} of {total} files")
            told = time.monotonic()


def _row(tree: Tree, listing: Listing, read_limit: int) -> dict[str, Any]:
    files, problem = _files(tree, listing, read_limit)
    return {
        "path": listing.path,
        "links": listing.links,
        "broken_links": listing.broken_links,
        "special": listing.special,
        "excluded": listing.excluded,
        "files": files,
        "problem": listing.problem or problem,
    }


def _files(tree: Tree, listing: Listing, read_limit: int) -> tuple[list[Row], str | None]:
    if not listing.files:
        return [], None
    try:
        with opened(tree.place(listing.path)) as directory:
            return [facts(directory, file, read_limit=read_limit).row() for file in listing.files], None
    except OSError as error:  # gone, or closed to us, since it was listed
        return [], reason(error)
