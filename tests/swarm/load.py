"""What a run has to do, and which subtasks it must have in the end."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """``width`` roots; each subtask has ``kids`` children, for ``deep`` generations, and sleeps for ``sleep`` seconds.

    A runner enqueues ``each`` children a call. The DAG ``stock`` has roots only: nothing grows there.
    """

    width: int
    kids: int = 0
    deep: int = 1
    sleep: float = 0
    each: int = 1
    dag: str = "swarm"

    @property
    def conf(self) -> dict[str, float]:
        """The run's params."""
        ours = {"kids": self.kids, "deep": self.deep, "each": self.each} if self.dag == "swarm" else {}
        return {"width": self.width, "sleep": self.sleep, **ours}

    @property
    def wanted(self) -> set[str]:
        """The keys of all its subtasks; of mapped tasks their map indexes."""
        keys = [str(number) for number in range(self.width)]
        found = set(keys)
        for _ in range(self.deep if self.dag == "swarm" else 0):
            keys = [child for key in keys for child in self._children(key)]
            found.update(keys)
        return found

    def _children(self, key: str) -> Iterator[str]:
        return (f"{key}.{number}" for number in range(self.kids))


def children(key: str, payload: dict[str, float | str]) -> list[list[object]]:
    """Return the children of a subtask as ``store_keys.ENQUEUE`` has them: key and payload."""
    deep = int(payload["deep"])
    keys = [f"{key}.{number}" for number in range(int(payload["kids"]))] if deep else []
    return [[one, {**payload, "deep": deep - 1, "n": one, "hold": ""}] for one in keys]
