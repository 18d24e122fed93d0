"""Parse YAML text into a node tree with PyYAML's C parser, within limits of depth and size.

Runs when a spec file is loaded. The C composer recurses without a limit: about 25,000 levels of nesting end
the process (for example the DAG processor) with a segmentation fault. So a text that could nest that deep is first
parsed as a stream of events, which needs no recursion.
"""

from dataclasses import replace

import yaml
from yaml import MappingNode, Node

from airflow_mcp_provider.errors import Problem, SpecError

DEEPEST = 40
MOST_VALUES = 50_000
TOO_DEEP = Problem("too many levels of nesting", expected=f"at most {DEEPEST}")
TOO_MANY = Problem("too many values, aliases included", expected=f"at most {MOST_VALUES}")

_INDICATORS = "[{-:?"
# Each level of nesting takes at least one indicator; a thousand levels fit the smallest thread's stack.
_SAFE = 1000
_OPENING = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
_CLOSING = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def root_of(text: str) -> MappingNode:
    """Return the root of the only document in ``text``, a mapping; raises SpecError for any other text."""
    try:
        if len(text) > MOST_VALUES or sum(map(text.count, _INDICATORS)) > _SAFE:
            _refuse_huge(text)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _syntax_error(error, text) from None
    except UnicodeEncodeError:
        raise _error(Problem("unsupported lone surrogates in the text")) from None
    if isinstance(root, MappingNode):
        return root
    line = root.start_mark.line if root else None
    raise _error(Problem("invalid job spec", given=_found(root), expected="a mapping with the keys plan and run"), line)


def broken(node: Node, problem: Problem) -> SpecError:
    """Return the error for a text that cannot be read further than ``node``."""
    return _error(problem, node.start_mark.line)


def _refuse_huge(text: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        line = event.start_mark.line if event.start_mark else None
        if depth > DEEPEST:
            raise _error(TOO_DEEP, line)
        if count > MOST_VALUES * 2:  # a mapping or list makes two events
            raise _error(TOO_MANY, line)


def _found(root: Node | None) -> str:
    if root is None:
        return "(an empty file)"
    return "(a list)" if isinstance(root, yaml.SequenceNode) else "(a single value)"


def _error(problem: Problem, line_above: int | None = None) -> SpecError:
    problem = replace(problem, line=None if line_above is None else line_above + 1)
    return SpecError(str(problem), problems=(problem,))


def _syntax_error(error: yaml.YAMLError, text: str) -> SpecError:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.encode().count(b"\n", 0, error.position)
        return _error(
            Problem("unsupported control character", given=_code(error.character), expected="printable text"), line
        )
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _error(Problem(f"invalid YAML: {error}"))
    line, column = error.problem_mark.line, error.problem_mark.column
    if "another document" in str(error.problem):
        return _error(Problem("multiple YAML documents", expected="one job per file"), line)
    if _at_tab(text, line, column):
        return _error(Problem("unsupported tab in the indentation", expected="spaces"), line)
    return _error(Problem(f"invalid YAML: {error.problem}", expected=_quotes(error, text, line, column)), line)


def _code(character: str | int) -> str:
    return f"0x{character if isinstance(character, int) else ord(character):02x}"


def _quotes(error: yaml.MarkedYAMLError, text: str, line: int, column: int) -> str:
    """Return what is expected where a value without quotes begins with a sign of YAML, as ``* * * * *`` does."""
    lines = text.split("\n")
    if line >= len(lines) or "undefined alias" in str(error.problem):
        return ""
    sign = next((sign for sign in lines[line][max(0, column - 1) : column + 1] if sign in "*@%`"), "")
    return f"quotes around a value that begins with {sign}" if sign else ""


def _at_tab(text: str, line: int, column: int) -> bool:
    lines = text.split("\n")
    return line < len(lines) and "\t" in lines[line][: column + 1]
