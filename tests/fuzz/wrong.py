"""What broke a rule: by the line where it broke, how often, and the shortest input that did."""

import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

SHOWN_CHARS = 600


class Wrong:
    """Checks are plain asserts in a context of ``of``; ``none`` fails with all that did not hold."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)

    @contextmanager
    def of(self, case: str, given: object) -> Iterator[None]:
        """Keep whatever is raised, with the input and the seed that makes it again."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - any exception is what a fuzz looks for
            shown = f"{error!s:.{SHOWN_CHARS}}\n    {case}: {_shown(given)}"
            self._found[f"{type(error).__name__} at {_place(error)}"].append(shown)

    def none(self) -> None:
        """Fail if anything was kept."""
        told = [f"{len(all_of)} times {place}: {min(all_of, key=len)}" for place, all_of in self._found.items()]
        assert not told, "\n\n" + "\n\n".join(told)


def _shown(given: object) -> str:
    try:
        return f"{given!r:.{SHOWN_CHARS}}"
    except Exception as error:  # noqa: BLE001 - an odd value may not even be shown
        return f"a {type(given).__name__} ({type(error).__name__})"


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"
