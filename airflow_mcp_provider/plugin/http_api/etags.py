"""The header ``If-None-Match``: the entity tags of the copies that a client has.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
"""

from __future__ import annotations


def names(if_none_match: str | None, tag: str) -> bool:
    """Return whether the header names a tag. Weakly: a proxy that compresses a response makes its tag a weak one."""
    given = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return not given.isdisjoint({tag.removeprefix("W/"), "*"})
