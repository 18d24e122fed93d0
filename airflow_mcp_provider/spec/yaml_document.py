"""Convert YAML text into plain values, and reject what YAML parsers interpret differently.

Runs when a spec file is loaded. PyYAML's C parser makes the node tree. The values are built here, because
PyYAML's own constructor keeps the last of two equal keys, reads ``no`` as false and ``1:30`` as 90, and
expands aliases without a limit. An ambiguous value is an error with its line.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec.faults import MOST_REPORTED, Path, dotted, shown
from airflow_mcp_provider.spec.yaml_nodes import DEEPEST, MOST_VALUES, TOO_DEEP, TOO_MANY, broken, root_of

_TAG = "tag:yaml.org,2002:"
_MAPPING, _SEQUENCE, _TEXT = f"{_TAG}map", f"{_TAG}seq", f"{_TAG}str"
_QUOTES = '"quotes" around text'
_DATES = tuple(("schedule", name) for name in ("at", "start", "end"))  # dates, for every parser
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_REAL = re.compile(r"-?(0|[1-9][0-9]{0,30})\.[0-9]{1,60}([eE][-+]?[0-9]{1,3})?", re.ASCII)
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# The messages for a plain scalar that only some YAML parsers read as this type.
_UNCLEAR = {
    "bool": ("ambiguous boolean", f"true, false, or {_QUOTES}"),
    "int": ("ambiguous number", f"a decimal number such as 90, or {_QUOTES}"),
    "float": ("ambiguous number", f"a decimal number such as 1.5, or {_QUOTES}"),
    "timestamp": ("ambiguous date", _QUOTES),
}


class Document:
    """The values of one YAML text (``values``), and the problems of its syntax (``problems``)."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._count = 0
        self._root = root_of(text)
        self.values: dict[str, Any] = self._value(self._root, ())

    @property
    def count(self) -> int:
        """The number of values, those of aliases included."""
        return self._count

    def lines(self) -> dict[str, int]:
        """Return the line number of each dotted path."""
        return {"": _line(self._root), **dict(_lines(self._root, ()))}

    def _value(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - what YAML holds
        self._bound(node, path)
        if isinstance(node, MappingNode) and node.tag == _MAPPING:
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == _SEQUENCE:
            return [self._value(inner, (*path, index)) for index, inner in enumerate(node.value)]
        if isinstance(node, ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node, path)
        tag = shown(node.tag.replace(_TAG, "!!"))
        self._report(node, path, "unsupported tag", tag, "a value without a tag")
        return {}

    def _bound(self, node: Node, path: Path) -> None:
        self._count += 1
        if self._count > MOST_VALUES:
            raise broken(node, TOO_MANY)
        if len(path) > DEEPEST:
            raise broken(node, TOO_DEEP)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in node.value:
            name = self._key(key, path)
            value = self._value(inner, (*path, name))
            if name in found:
                self._report(key, (*path, name), "duplicate key", shown(name), "each key once")
            found[name] = value
        return found

    def _key(self, node: Node, path: Path) -> str:
        name = _name(node)
        if node.tag.endswith(":merge"):
            self._report(node, (*path, name), "unsupported merge key", shown(name), "the merged keys themselves")
        elif node.tag != _TEXT and (*path, name) != ("on",):  # YAML 1.1 reads `on` as a boolean
            self._report(node, (*path, name), "invalid key of the type", _kind(node), 'a string (put it in "quotes")')
        return name

    def _scalar(self, node: ScalarNode, path: Path) -> Any:  # noqa: ANN401 - what YAML holds
        try:
            return _SCALARS[node.tag](node.value)
        except ValueError:
            if path in _DATES:
                return node.value
            wrong, expected = _UNCLEAR[_kind(node)]
            # Shown without quotes, as in the file: the missing quotes are the problem.
            given = shown(node.value, dotted(path)).strip('"')
            self._report(node, path, wrong, given, expected)
            return node.value

    def _report(self, node: Node, path: Path, wrong: str, given: str = "", expected: str = "") -> None:
        if len(self.problems) <= MOST_REPORTED:
            self.problems.append(Problem(wrong, dotted(path), None, _line(node), given, expected))


def _nothing(_: str) -> None:
    return None


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text]


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _real(text: str) -> float:
    if not _REAL.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _date(text: str) -> None:
    raise ValueError(text)


_SCALARS: dict[str, Callable[[str], Any]] = {
    _TEXT: str,
    f"{_TAG}value": str,  # a lone "="
    f"{_TAG}null": _nothing,
    f"{_TAG}bool": _boolean,
    f"{_TAG}int": _whole,
    f"{_TAG}float": _real,
    f"{_TAG}timestamp": _date,
}


def _name(key: Node) -> str:
    return str(key.value) if isinstance(key, ScalarNode) else "?"


def _kind(node: Node) -> str:
    return str(node.tag).removeprefix(_TAG)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _lines(node: Node, path: Path) -> Iterator[tuple[str, int]]:
    """Yield each path below ``node`` with its line: that of the key in a mapping, of the value in a list."""
    for name, at, inner in _children(node):
        place = (*path, name)
        yield dotted(place), _line(at)
        yield from _lines(inner, place)


def _children(node: Node) -> Iterator[tuple[str | int, Node, Node]]:
    if isinstance(node, MappingNode):
        yield from ((_name(key), key, inner) for key, inner in node.value)
    elif isinstance(node, SequenceNode):
        yield from ((index, inner, inner) for index, inner in enumerate(node.value))
