"""Escape data for Markdown: Airflow's UI renders run notes and DAG docs as Markdown.

The UI renders GitHub Flavored Markdown: untrusted text could contain an image that the reader's browser loads, a link,
a table or a heading.
"""

from __future__ import annotations

import re

from airflow_mcp_provider.spec import printable

_PLAIN = re.compile(
    r"(?!.*(?:://|www\.))[^\W\d_](?:[^\W_]|(?<=[^\W_])_+(?=[^\W_])|[ ,.:;()%'\"+=?/#$!{}-])*", re.IGNORECASE
)
"""A line without Markdown syntax: it starts with a letter; no link, no emphasis, no escape."""


def line(data: str) -> str:
    """Return one line of data: unchanged if it has no Markdown syntax, else as code."""
    text = printable(data).strip()
    return text if _PLAIN.fullmatch(text) else code(text)


def is_plain(data: str) -> bool:
    """Return whether a line has no Markdown syntax."""
    return _PLAIN.fullmatch(data) is not None


def code(data: str) -> str:
    """Return data as code; backticks are replaced by a similar accent, so that they do not end the code."""
    text = data.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}").strip()
    return f"`{text}`" if text else ""
