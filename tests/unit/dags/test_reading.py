import os
import tracemalloc
from pathlib import Path

import pytest
from inventory.listing import File, opened
from inventory.reading import _content, facts

LIMIT = 1 << 30


@pytest.fixture
def read(tmp_path):
    def read(name, size=1):
        with opened(tmp_path) as directory:
            return facts(directory, File(name, size), read_limit=LIMIT)

    return read


def test_a_file_is_read_once_in_pieces(tmp_path, read):
    (tmp_path / "a.py").write_bytes(b"line of 16 bytes" * 1_000_000 + b"\n" * 1_000_000)
    tracemalloc.start()
    found = read("a.py")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.size, found.lines) == (17_000_000, 1_000_000)
    assert peak < 2_000_000


def test_what_took_a_files_place_is_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")  # opening it to read would wait for a writer
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").mkdir()
    assert read("pipe").problem == read("directory").problem == "no longer a regular file"
    assert read("link").problem == "Too many levels of symbolic links"
    assert read("gone", size=7).row() == ["gone", "Other", 7, None, None, None, "No such file or directory"]


def test_a_row_is_as_short_as_it_can_be(tmp_path, read):
    (tmp_path / "empty.py").touch()
    (tmp_path / "one.py").write_text("one\n")
    assert read("empty.py").row() == ["empty.py", "Python", 0, 0]
    assert read("one.py").row() == ["one.py", "Python", 4, 1, "2c8b08da5ce60398"]


def test_a_larger_file_than_is_read_counts_by_its_size(tmp_path):
    with (tmp_path / "vast.log").open("wb") as file:
        file.truncate(LIMIT + 1)
    with opened(tmp_path) as directory:
        found = facts(directory, File("vast.log", 0), read_limit=LIMIT)
    assert (found.language, found.size, found.problem) == ("Text", LIMIT + 1, "larger than read_limit")


def test_a_file_that_grows_while_it_is_read_has_an_end(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("one\ntwo\nthree\n")
    with log.open("rb", buffering=0) as file:
        assert _content(file.fileno(), "a.log", 4).row() == ["a.log", "Text", 4, 1, "2c8b08da5ce60398"]


def test_files_that_have_no_size_are_not_read():
    with opened(Path("/proc") / str(os.getpid())) as directory:  # of no size, and full of content
        assert facts(directory, File("maps", 0), read_limit=LIMIT).row() == ["maps", "Other", 0, 0]
