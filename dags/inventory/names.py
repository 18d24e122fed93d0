"""File names as text and back: any name that a file can have, as JSON, databases and terminals bear it.

A file's name is bytes: it may be no valid UTF-8, hold a newline or move a terminal's cursor. What does not
print, and the percent sign itself, becomes ``%XX`` as in a URL, so ``urllib.parse.unquote_to_bytes`` of a
path in a result gives the very bytes back.
"""

import os
from urllib.parse import quote, unquote_to_bytes


def to_text(name: str) -> str:
    """Return the printable form of a name as Python's ``os`` functions give it."""
    # By way of its bytes: the file system's encoding, which depends on the runner's locale, must not show.
    name = os.fsencode(name).decode("utf-8", "surrogateescape")
    if name.isprintable() and "%" not in name:
        return name
    return "".join(char if char.isprintable() and char != "%" else _escaped(char) for char in name)


def from_text(text: str) -> str:
    """Return the name that ``to_text`` was given, for Python's ``os`` functions."""
    return os.fsdecode(unquote_to_bytes(text))


def _escaped(char: str) -> str:
    return quote(char, safe="", errors="surrogateescape")
