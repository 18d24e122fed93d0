import pytest
from inventory import languages
from inventory.languages import language_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "Python"),
        ("A.PY", "Python"),
        ("archive.tar.js", "JavaScript"),
        (".gitignore", "Ignore List"),
        (".py", "Python"),
        ("Makefile", "Makefile"),
        ("CMakeLists.txt", "CMake"),
        ("notes.txt", "Text"),
        ("py", "Other"),
        ("a.", "Other"),
        ("", "Other"),
        ("a.unknown", "Other"),
    ],
)
def test_by_name(name, language):
    assert language_of(name, b"", binary=False) == language


@pytest.mark.parametrize(
    ("head", "language"),
    [
        (b"#!/bin/sh\n", "Shell"),
        (b"#!/usr/bin/env python3\n", "Python"),
        (b"#! /usr/bin/env -S python3.12 -u\n", "Python"),
        (b"#!/usr/local/bin/perl5.38 -w\n", "Perl"),
        (b"#!/opt/unheard-of\n", "Other"),
        (b"#!", "Other"),
        (b"#!\n/bin/sh", "Other"),
        (b"#!/bin/\xff\xfe\n", "Other"),
        (b"plain text", "Other"),
    ],
)
def test_by_the_first_line(head, language):
    assert language_of("script", head, binary=False) == language


def test_a_known_ending_tells_more_than_the_content():
    assert language_of("a.py", b"#!/bin/sh", binary=False) == "Python"
    assert language_of("a.py", b"\0", binary=True) == "Python"
    assert language_of("a.unknown", b"\0", binary=True) == "Binary"


@pytest.mark.parametrize("table", ["_ENDINGS", "_NAMES", "_INTERPRETERS"])
def test_no_word_stands_for_two_languages(table):
    words = " ".join(getattr(languages, table).values()).split()
    assert sorted(words) == sorted(set(words))
