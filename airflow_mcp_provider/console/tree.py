"""``mcp-jobs tree``: the subtasks of a run below those that enqueued them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from rich.text import Text
from rich.tree import Tree

from airflow_mcp_provider.client.models import Why
from airflow_mcp_provider.console import find, text
from airflow_mcp_provider.console.screen import Screen

MARKS = {"waiting": "○", "running": "▶", "succeeded": "✔", "failed": "✘", "skipped": "⊘"}


class Node(Protocol):
    """What is drawn of a subtask in a step."""

    @property
    def key(self) -> str: ...  # noqa: D102 - as in client.models.Subtask

    @property
    def step(self) -> str: ...  # noqa: D102

    @property
    def state(self) -> str: ...  # noqa: D102

    @property
    def parent(self) -> str | None: ...  # noqa: D102

    @property
    def attempt(self) -> int: ...  # noqa: D102

    @property
    def message(self) -> str | None: ...  # noqa: D102

    @property
    def error(self) -> Why | None: ...  # noqa: D102


NodeT = TypeVar("NodeT", bound=Node)


def tree(args: Namespace, program: str, default_url: str | None) -> int:
    """Show the subtasks of a run; for programs as a flat list, in which each has its parent."""
    screen = Screen(args, program, default_url)
    name = find.run(screen.client, args.names)
    asked = screen.client.subtasks(name.job, name.run, state=args.state, step=args.step, text=args.text)
    found = screen.first(asked, args.limit)
    screen.show(found, lambda: drawn(name.run, found))
    return 0


def drawn(title: str, subtasks: Iterable[Node]) -> Tree:
    """Return the tree. A subtask whose parent is not among them is at the top."""
    steps = by_key(subtasks)
    top = Tree(Text(text.clean(title)), guide_style="dim")
    branches = {key: Tree(label(each), guide_style="dim") for key, each in steps.items()}
    for key, each in steps.items():
        parent = each[0].parent
        # A key that is its own ancestor cannot be drawn below itself.
        above = top if parent is None or parent == key else branches.get(parent, top)
        above.children.append(branches[key])
    return top


def by_key(subtasks: Iterable[NodeT]) -> Mapping[str, list[NodeT]]:
    """Return the steps of each subtask, in the order of the list."""
    found: dict[str, list[NodeT]] = {}
    for one in subtasks:
        found.setdefault(one.key, []).append(one)
    return found


def label(steps: Sequence[Node]) -> Text:
    """Return a subtask in one line: its state in each step, its key, its attempts, its message or error."""
    line = Text()
    for one in steps:
        name = f" {text.clean(one.step)}" if len(steps) > 1 else ""
        line.append(f"{MARKS.get(one.state, '?')}{name} ", style=text.STYLES.get(one.state, ""))
    latest = steps[-1]
    line.append(text.clean(latest.key, 200))
    if latest.attempt > 1:
        line.append(f"  attempt {latest.attempt}", style="yellow")
    if latest.error is not None:
        line.append(f"  {text.clean(f'{latest.error.code}: {latest.error.text}', 200)}", style="red")
    elif latest.message:
        line.append(f"  {text.clean(latest.message, 100)}", style="dim")
    return line
