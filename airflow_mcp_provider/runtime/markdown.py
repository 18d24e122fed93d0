"""Data in Markdown, which Airflow's UI makes of run notes and DAG pages: shown as it is, never syntax.

The UI reads GitHub's Markdown: a text of somebody else could carry a picture that the reader's browser fetches, a link,
a table, a heading.
"""

from __future__ import annotations

import re

from airflow_mcp_provider.spec import printable

_PLAIN = re.compile(
    r"(?!.*(?:://|www\.))[^\W\d_](?:[^\W_]|(?<=[^\W_])_+(?=[^\W_])|[ ,.:;()%'\"+=?/#$!{}-])*", re.IGNORECASE
)
"""A line in which nothing is syntax: it begins with a letter; no link, no emphasis, no escape."""


def line(data: str) -> str:
    """Return one line of data: as it is where nothing in it is syntax, else as code."""
    told = printable(data).strip()
    return told if _PLAIN.fullmatch(told) else code(told)


def is_plain(data: str) -> bool:
    """Whether a line is shown as it is."""
    return _PLAIN.fullmatch(data) is not None


def code(data: str) -> str:
    """Return data as code; a backtick is shown as the accent that looks like it, so that none of them ends the code."""
    told = data.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}").strip()
    return f"`{told}`" if told else ""
