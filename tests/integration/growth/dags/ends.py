"""Plans and reports that end badly."""

import os

import deeds
import record


def conclude(outcomes, params):
    """End as ``how`` says."""
    record.note(params["record"], reported=True)
    return globals()[params["how"]](list(outcomes), params)


def leak(outcomes, params):
    raise ValueError("the password is", deeds.known_secrets())


def no_json(outcomes, params):
    return {len(outcomes)}


def leave(outcomes, params):
    os._exit(0)


def fail_first(outcomes, params):
    """Fail at the first try."""
    if len(record.seen(params["record"], reported=True)) == 1:
        raise OSError("the first try")
    return len(outcomes)


def plan_leak(params):
    raise ValueError("the password is", deeds.known_secrets())
