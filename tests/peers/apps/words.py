"""Plain functions, as an operator of Airflow calls them."""

from pathlib import Path


def documents(folder: str) -> list[dict[str, str]]:
    return [{"path": str(path)} for path in Path(folder).glob("*.txt")]


def count_words(path: str) -> int:
    return len(Path(path).read_text().split())


def total(counts: list[int]) -> int:
    return sum(counts)
