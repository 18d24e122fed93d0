"""Valid specs with one to three changes, in their values or in their text, as people and programs make them."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from tests.fuzz import made, whole

Mutation = Callable[[Any, Random], Any]
ODD = (
    *(
        10**400,
        -1,
        0,
        2**63,
        1e308,
        0.1,
        True,
        None,
        "",
        [],
        {},
        "yes",
        "0 0 30 2 *",
        "* * * * * *",
        "@never",
        "0s",
        "1d",
    ),
    *(
        "2026-03-29T02:30",
        "2026-12-01T09:00+14:00",
        "9999-12-31",
        "0001-01-01",
        "2026-13-01",
        "Europe/Nowhere",
        "../UTC",
    ),
    *("\u0661m", "\u202e5m", "e\u0301", "\ufeff", "5 m", "999999999d", "${HOME}", "{a}", "x:y", "a:b:c", "*/0 * * * *"),
    *(
        "1-70 * * * *",
        "@reboot",
        "0 8 * * mon-",
        "redis+pubsub://u:p@h/1",
        "none://x",
        "job",
        "*" * 4_000,
        "\0",
        "\ud800",
    ),
)


def _path(values: Any, random: Random) -> tuple[Any, ...]:
    return random.choice(list(whole.keys(values)) or [()])


def _at(values: Any, random: Random, change: Callable[[Any, Any], None]) -> Any:
    path = _path(values, random)
    return whole.put(values, path, change) if path else values


def renamed(values: Any, random: Random) -> Any:
    """A key misspelt: a letter lost, doubled or exchanged, another case, or another alphabet."""
    return _at(values, random, lambda held, key: _rename(held, key, misspelt(str(key), random)))


def _rename(held: dict[str, Any], key: str, name: str) -> None:
    held[name] = held.pop(key)


def misspelt(name: str, random: Random) -> str:
    """Another name, which looks like ``name``."""
    at = random.randrange(len(name))
    return random.choice(
        (
            name[:at] + name[at + 1 :] + "_",
            name[: at + 1] + name[at:],
            name[:at] + "\u043e" + name[at + 1 :],
            name[:at] + "\u200b" + name[at:],
            name.swapcase(),
            f"{name} ",
            name + "s",
        )
    )


def deleted(values: Any, random: Random) -> Any:
    """A key lost."""
    return _at(values, random, lambda held, key: held.pop(key))


def replaced(values: Any, random: Random) -> Any:
    """A value of another type, or one that is none of the key."""

    def other(held: dict[str, Any], key: str) -> None:
        held[key] = random.choice(ODD) if random.random() < 0.7 else made.value(random)

    return _at(values, random, other)


def wrapped(values: Any, random: Random) -> Any:
    """A value in a list or a mapping, or deep in many."""

    def inside(held: dict[str, Any], key: str) -> None:
        old = held[key]
        held[key] = random.choice(([old], {key: old}, [old, old], made.nested(random.choice((3, 33, 60)))))

    return _at(values, random, inside)


def exchanged(values: Any, random: Random) -> Any:
    """The value of one key at another."""
    other = _path(values, random)
    found = values
    for name in other:
        found = found[name]
    return _at(values, random, lambda held, key: held.update({key: found}))


def moved(values: Any, random: Random) -> Any:
    """A key in another mapping."""
    path = _path(values, random)
    if not path:
        return values
    found = values
    for name in path:
        found = found[name]
    without = whole.put(values, path, lambda held, key: held.pop(key))
    inside = [other for other in whole.keys(without) if isinstance(_get(without, other), dict)]
    if not inside:
        return {**without, str(path[-1]): found}
    return whole.put(
        without, random.choice(inside), lambda held, key: held.update({key: {**held[key], path[-1]: found}})
    )


def _get(values: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


VALUES: tuple[Mutation, ...] = (renamed, deleted, replaced, replaced, wrapped, exchanged, moved)


def changed(values: Any, random: Random) -> Any:
    """Return ``values`` with one to three mutations."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if isinstance(values, dict) and values:
            values = random.choice(VALUES)(values, random)
    return values


def written(values: Any, random: Random) -> str:
    """The text of a file, in one of the forms that people write."""
    if random.random() < 0.2:
        return json.dumps(values)
    flow = random.choice((None, None, False, True))
    return str(
        yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=random.random() < 0.7, default_flow_style=flow)
    )


class _Dumper(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        return True


def cut(text: str, random: Random) -> str:
    """A file that is half written."""
    return text[: random.randrange(len(text) + 1)]


def doubled(text: str, random: Random) -> str:
    """A line twice, at another place."""
    lines = text.split("\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return "\n".join(lines)


def exchanged_lines(text: str, random: Random) -> str:
    """Two lines in the wrong order."""
    lines = text.split("\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def indented(text: str, random: Random) -> str:
    """A line that is moved to the left or the right, or by a tab."""
    lines = text.split("\n")
    at = random.randrange(len(lines))
    lines[at] = random.choice((" ", "  ", "\t", "")) + (lines[at] if random.random() < 0.5 else lines[at].lstrip())
    return "\n".join(lines)


def aliased(text: str, random: Random) -> str:
    """Anchors, aliases, merge keys and tags."""
    lines = text.split("\n")
    at = random.randrange(len(lines))
    piece = random.choice(
        ("<<: *a", "a: &a [*a]", "x: &a {b: 1}", "&a a: *a", "y: !!python/object:os.system {}", "z: !x 1")
    )
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()))
    if random.random() < 0.4:
        name, colon, value = lines[at].partition(": ")
        mark = random.choice(("&a ", "*a #", "!!int ", "!!str ", "!include ", "!!python/name:os.system #"))
        lines[at] = name + colon + mark + value
    else:
        lines.insert(at, indent + piece)
    return "\n".join(lines)


def noisy(text: str, random: Random) -> str:
    """A character or two that are syntax somewhere, at any place."""
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(made.SYNTAX) + text[at + random.randrange(3) :]


TEXTS: tuple[Callable[[str, Random], str], ...] = (cut, doubled, exchanged_lines, indented, aliased, noisy)


def text(random: Random) -> str:
    """The text of a mutated spec: its values are changed, or its text, or both."""
    kind = random.random()
    values = whole.some(random)
    written_text = written(changed(values, random) if kind < 0.7 else values, random)
    return random.choice(TEXTS)(written_text, random) if kind > 0.6 else written_text
