"""How a tree becomes subtasks: which directories one subtask reads, and which it hands on to others.

A subtask gets some directories, lists them and goes on to their sub-directories, until it has as much to do
as the quota allows; the directories that it did not come to are enqueued before it reads its first file. So a
small tree, or a chain of a hundred directories, needs few subtasks, a large tree spreads at once, and a
directory of a million files is divided among many. All of it follows from the tree alone: a retry finds the
same subtasks.
"""

import hashlib
import json
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from .listing import File, Listing, Load, Tree
from .names import from_text, to_text

SPREAD = 8
"""What a subtask leaves over goes to about this many others, so that runners find work early in the walk."""
_CONTENT_BYTES = 1 << 29
_RESULT_BYTES = 60_000
"""Below the 65,535 bytes that a subtask's result may have."""
_PAYLOAD_BYTES = 16_000
_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A range of a directory's files: by name, from ``first`` on and before ``end`` (None: to the last)."""

    first: str = ""
    end: str | None = None

    def holds(self, name: str) -> bool:
        """Tell whether the file of that name belongs to this part."""
        return self.first <= name and (self.end is None or name < self.end)

    def divided(self, files: Sequence[File], limit: Load) -> list["Part"]:
        """Return parts, of which each holds as many of this part's ``files`` (in order) as the limit allows."""
        firsts = [self.first]
        load = Load()
        for file in files:
            if load.files and (load + file.load).share_of(limit) > 1:
                firsts.append(file.name)
                load = Load()
            load += file.load
        return [Part(first, end) for first, end in zip(firsts, [*firsts[1:], self.end], strict=True)]

    @classmethod
    def from_payload(cls, part: Sequence[str | None]) -> Self:
        """Return the part that ``in_payload`` told of."""
        first, end = part
        return cls(from_text(first or ""), None if end is None else from_text(end))

    def in_payload(self) -> list[str | None]:
        """Return what stands in a payload."""
        return [to_text(self.first), None if self.end is None else to_text(self.end)]


WHOLE = Part()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a subtask has to read, and the payloads of those that it leaves to others."""

    listings: tuple[Listing, ...]
    left: tuple[dict[str, Any], ...]


def quota(params: Mapping[str, Any]) -> Load:
    """Return how much one subtask does."""
    return Load(params["directories_per_subtask"], params["files_per_subtask"], _CONTENT_BYTES, _RESULT_BYTES)


def payload(directories: Sequence[str], part: Part = WHOLE) -> dict[str, Any]:
    """Return a subtask: the ``directories`` where it begins, or one ``part`` of a directory's files."""
    what: dict[str, Any] = {"directories": list(directories)}
    if part != WHOLE:
        what["part"] = part.in_payload()
    return {"name": _name(what), **what}


def _name(what: Mapping[str, Any]) -> str:
    """Name a subtask: the path of a lone directory, else its first path, ``//`` (in no path) and a digest.

    By the digest of all that it does, it is never taken for another one that begins at the same directory, as
    there may be when the tree has changed between two attempts of the subtask that enqueues it.
    """
    first, *others = what["directories"]
    if not others and "part" not in what and len(first) <= _NAME_CHARS:
        return str(first)
    shown = first if len(first) <= _NAME_CHARS else f"{first[:50]}…{first[-_NAME_CHARS + 50 :]}"
    note = f"from {what['part'][0]}" if "part" in what else f"and {len(others)} more"
    return f"{shown} // {note[:_NAME_CHARS]} ({hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]})"


def survey(tree: Tree, subtask: Mapping[str, Any], limit: Load) -> Survey:
    """List what the subtask is to read."""
    if "part" in subtask:
        [path] = subtask["directories"]
        part = Part.from_payload(subtask["part"])
        return _survey_part(tree.list(path, part.holds), part, limit)
    return _survey_tree(tree, deque(subtask["directories"]), limit)


def _survey_part(listing: Listing, part: Part, limit: Load) -> Survey:
    # All else in the directory was counted by the subtask that divided it.
    own = Listing(listing.path, files=listing.files, problem=listing.problem)
    if _too_large(own, own.load, limit):
        return Survey((), tuple(_parts(own, part, limit)))
    return Survey((own,), ())


def _survey_tree(tree: Tree, ahead: deque[str], limit: Load) -> Survey:
    """Go through the tree in rows, so that what is left over are the tops of whole branches."""
    taken: list[Listing] = []
    left: list[dict[str, Any]] = []
    load = Load()
    while ahead and load.directories < limit.directories:
        listing = tree.list(ahead[0], WHOLE.holds)
        more = listing.load
        if taken and (load + more).share_of(limit) > 1:
            break
        ahead.popleft()
        ahead.extend(listing.directories)
        if _too_large(listing, more, limit):
            left += _parts(listing, WHOLE, limit)
            listing = replace(listing, files=())
            more = listing.load
        taken.append(listing)
        load += more
    return Survey(tuple(taken), (*left, *packs(list(ahead), limit.directories)))


def _too_large(listing: Listing, load: Load, limit: Load) -> bool:
    return len(listing.files) > 1 and load.share_of(limit) > 1


def _parts(listing: Listing, part: Part, limit: Load) -> list[dict[str, Any]]:
    room = replace(limit, result=limit.result - listing.own_load.result)
    return [payload([listing.path], smaller) for smaller in part.divided(listing.files, room)]


def packs(directories: Sequence[str], most: int) -> Iterator[dict[str, Any]]:
    """Divide directories among subtasks.

    None is known to be small, so a pack has fewer than a subtask could do (it goes on to their
    sub-directories), but not so few that a row of leaves becomes a row of subtasks.
    """
    size = min(max(math.ceil(len(directories) / SPREAD), math.ceil(most / 4)), most)
    pack: list[str] = []
    for path in directories:
        if pack and (len(pack) == size or len(json.dumps([*pack, path])) > _PAYLOAD_BYTES):
            yield payload(pack)
            pack = []
        pack.append(path)
    if pack:
        yield payload(pack)
