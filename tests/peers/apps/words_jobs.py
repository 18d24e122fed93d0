"""What the jobs add to those applications: which documents there are, and the sum."""

from pathlib import Path


def documents(folder):
    return [{"path": str(path)} for path in Path(folder).glob("*.txt")]


def total(outcomes):
    return sum(outcome.result or 0 for outcome in outcomes)
