"""Where messages wait: a spool directory, or a list in Redis. Both are claimed atomically, acknowledged afterwards.

A claim bears the name of the subtask that made it, so the next attempt of that subtask goes on with it. What a run
left claimed when it ended (all attempts of a subtask died, somebody cancelled) is put back by the plan of the next
run: a job has one active run, so nobody else can be at it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from redis import Redis

_CLAIMED, _FAILED = ".claimed", ".failed"


@dataclass(frozen=True)
class Claim:
    """A message in the hands of ``owner``; ``handle`` is what its source finds it by."""

    owner: str
    handle: Any
    body: bytes


class Source(Protocol):
    """A queue."""

    def pending(self) -> int:
        """How many messages nobody has claimed."""

    def put_back(self) -> None:
        """Make every claimed message pending again."""

    def claim(self, owner: str, count: int) -> Iterator[Claim]:
        """Give what ``owner`` has claimed before, then claim others, ``count`` in all at most."""

    def done(self, claim: Claim) -> None:
        """Acknowledge: the message is gone."""

    def failed(self, claim: Claim) -> None:
        """Set the message aside for people."""


def source_of(params: Mapping[str, Any]) -> Source:
    """Return the queue that the params name."""
    place = params["source"]
    return Spool(Path(place)) if place.startswith("/") else RedisList(_redis(place), params["list"])


@dataclass(frozen=True)
class Spool:
    """A directory: each file a message, written under a name with a dot and then renamed, so it is there as a whole."""

    root: Path

    def pending(self) -> int:
        """See ``Source``."""
        return len(self._ready())

    def put_back(self) -> None:
        """See ``Source``."""
        for owner in _names(self.root / _CLAIMED):
            for name in _names(self.root / _CLAIMED / owner):
                (self.root / _CLAIMED / owner / name).replace(self.root / name)

    def claim(self, owner: str, count: int) -> Iterator[Claim]:
        """See ``Source``."""
        mine = self.root / _CLAIMED / owner
        mine.mkdir(parents=True, exist_ok=True)
        had = _names(mine)
        new = (name for name in self._ready() if self._moved(name, mine))
        for name in [*had, *_first(new, count - len(had))]:
            yield Claim(owner, mine / name, (mine / name).read_bytes())

    def done(self, claim: Claim) -> None:
        """See ``Source``."""
        Path(claim.handle).unlink(missing_ok=True)

    def failed(self, claim: Claim) -> None:
        """See ``Source``."""
        (self.root / _FAILED).mkdir(exist_ok=True)
        Path(claim.handle).replace(self.root / _FAILED / claim.handle.name)

    def _ready(self) -> list[str]:
        return [name for name in _names(self.root) if (self.root / name).is_file()]

    def _moved(self, name: str, folder: Path) -> bool:
        try:
            (self.root / name).rename(folder / name)
        except FileNotFoundError:  # another runner was faster
            return False
        return True


@dataclass(frozen=True)
class RedisList:
    """A list that messages are pushed to on the left (LPUSH) and taken from on the right."""

    redis: "Redis"
    key: str

    def pending(self) -> int:
        """See ``Source``."""
        return int(self.redis.llen(self.key))

    def put_back(self) -> None:
        """See ``Source``."""
        pattern = re.sub(r"([\[\]*?\\])", r"\\\1", self.key)
        for claimed in [*self.redis.scan_iter(f"{pattern}{_CLAIMED}:*")]:
            while self.redis.lmove(claimed, self.key, "LEFT", "RIGHT") is not None:
                pass

    def claim(self, owner: str, count: int) -> Iterator[Claim]:
        """See ``Source``."""
        mine = f"{self.key}{_CLAIMED}:{owner}"
        had = self.redis.lrange(mine, 0, -1)[::-1]
        new = iter(lambda: self.redis.lmove(self.key, mine, "RIGHT", "LEFT"), None)
        for body in [*had, *_first(new, count - len(had))]:
            yield Claim(owner, mine, body)

    def done(self, claim: Claim) -> None:
        """See ``Source``."""
        self.redis.lrem(claim.handle, 1, claim.body)  # type: ignore[arg-type]  # bytes do, too

    def failed(self, claim: Claim) -> None:
        """See ``Source``."""
        with self.redis.pipeline(transaction=True) as both:
            both.lrem(claim.handle, 1, claim.body)  # type: ignore[arg-type]  # likewise
            both.lpush(f"{self.key}{_FAILED}", claim.body)
            both.execute()


def _redis(url: str) -> "Redis":
    try:
        import redis  # noqa: PLC0415 - a spool needs none
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{url}: needs Python's client in the runner: pip install redis") from None
    who = {"username": os.environ.get("REDIS_USERNAME"), "password": os.environ.get("REDIS_PASSWORD")}
    return redis.Redis.from_url(url, **who)


def _names(folder: Path) -> list[str]:
    """What lies in a folder, oldest name first; what begins with a dot is not ready, or ours."""
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.is_dir() else []


def _first(found: Iterator[Any], count: int) -> list[Any]:
    return [one for _, one in zip(range(count), found, strict=False)]
