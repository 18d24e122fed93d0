"""Detect whether a parameter is annotated as a mapping, in all common spellings."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

_NAMES = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict"})
_AROUND = frozenset({"Optional", "Union", "Annotated"})


def is_mapping(annotation: object) -> bool:
    """Return whether it is or may be a mapping: ``dict | None``, ``Optional[Mapping[str, Any]]``, a TypedDict."""
    if isinstance(annotation, str):
        return _is_mapping_text(annotation)
    origin = get_origin(annotation)
    if origin in {Union, UnionType, Annotated}:
        return any(map(is_mapping, get_args(annotation)))
    kind: Any = origin or annotation
    return isinstance(kind, type) and issubclass(kind, Mapping)


def _is_mapping_text(text: str) -> bool:
    """Check an annotation that cannot be evaluated, because its names are imported for type checkers only."""
    try:
        return _is_mapping_node(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return False


def _is_mapping_node(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _NAMES
        case ast.Constant(value=str(text)):
            return _is_mapping_text(text)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_mapping_node(left) or _is_mapping_node(right)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner) if name in _AROUND:
            return any(map(_is_mapping_node, inner.elts if isinstance(inner, ast.Tuple) else [inner]))
        case ast.Subscript(value=value):
            return _is_mapping_node(value)
    return False
