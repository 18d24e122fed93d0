import json
import re
from pathlib import Path

import pytest
from inventory.listing import File, Load, Tree
from inventory.walk import WHOLE, Part, packs, payload, survey

LIMIT = Load(directories=4, files=10, content=1000, result=60_000)


def survey_at(root, directories, limit=LIMIT):
    return survey(Tree.at(root, (), other_file_systems=False), payload(directories), limit)


def grow(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).mkdir(parents=True, exist_ok=True)


def test_parts_share_all_files_and_none_is_too_large():
    files = sorted((File(f"{number}.py", 1) for number in range(500)), key=lambda file: file.name)
    parts = WHOLE.divided(files, LIMIT)
    assert len(parts) == 50
    for file in files:
        assert sum(part.holds(file.name) for part in parts) == 1
    for name in ("", "0", "zzz", "\udcff", "no such file when it was divided"):
        assert sum(part.holds(name) for part in parts) == 1, "a file that is new when a part is read"


def test_parts_are_as_large_as_they_may_be():
    sizes = [2000, 600, 400, 1, 2000, 500, 501]
    files = [File(str(number), size) for number, size in enumerate(sizes)]
    held = [[file.size for file in files if part.holds(file.name)] for part in WHOLE.divided(files, LIMIT)]
    assert held == [[2000], [600, 400], [1], [2000], [500], [501]]


def test_a_part_travels_as_json_whatever_the_names_are():
    for part in (Part("\udcff%\n", "b"), Part("a"), Part("", "\udcfe")):
        travelled = json.loads(json.dumps(payload(["a"], part)).encode())
        assert Part.from_payload(travelled["part"]) == part


def test_a_survey_goes_on_while_there_is_little_to_do(tmp_path):
    grow(tmp_path, "a/b/c")
    found = survey_at(tmp_path, ["."])
    assert [listing.path for listing in found.listings] == [".", "a", "a/b", "a/b/c"]
    assert found.left == ()


def test_a_survey_leaves_whole_branches(tmp_path):
    grow(tmp_path, "a/deep", "b/deep", "c/deep", "d/deep", "e/deep")
    found = survey_at(tmp_path, ["."])
    assert [listing.path for listing in found.listings] == [".", "a", "b", "c"]
    assert [one["directories"] for one in found.left] == [["d"], ["e"], ["a/deep"], ["b/deep"], ["c/deep"]]


def test_a_survey_ends_before_the_quota_of_files_is_passed(tmp_path):
    grow(tmp_path, "a", "b")
    for directory in ("a", "b"):
        for number in range(6):
            (tmp_path / directory / str(number)).touch()
    found = survey_at(tmp_path, ["."])
    assert [listing.path for listing in found.listings] == [".", "a"]
    assert [one["directories"] for one in found.left] == [["b"]]


@pytest.mark.parametrize(("sizes", "whole"), [([100] * 10, True), ([100] * 11, False), ([2000], True)])
def test_a_directory_is_divided_when_it_alone_is_too_much(tmp_path, sizes, whole):
    for number, size in enumerate(sizes):
        (tmp_path / str(number)).write_bytes(b"x" * size)
    found = survey_at(tmp_path, ["."])
    assert bool(found.listings[0].files) == whole
    assert all("part" in one for one in found.left)
    assert bool(found.left) != whole


def test_a_part_that_is_still_too_large_is_divided_again(tmp_path):
    for number in range(100):
        (tmp_path / f"{number}.py").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("directory")
    tree = Tree.at(tmp_path, (), other_file_systems=False)
    seen = []
    ahead = [payload(["."], Part("", "5")), payload(["."], Part("5"))]
    while ahead:
        found = survey(tree, ahead.pop(), LIMIT)
        seen += [file.name for listing in found.listings for file in listing.files]
        assert all(len(listing.files) <= LIMIT.files for listing in found.listings)
        assert not any(listing.links or listing.directories for listing in found.listings), "counted before"
        ahead += found.left
    assert sorted(seen) == sorted(f"{number}.py" for number in range(100))


def test_a_part_leaves_room_for_the_path_of_its_directory(tmp_path):
    path = "/".join(["d" * 100] * 10)
    grow(tmp_path, path)
    for number in range(40):
        (tmp_path / path / f"{number}.py").touch()
    limit = Load(directories=4, files=100, content=1000, result=4_000)
    tree = Tree.at(tmp_path, (), other_file_systems=False)
    for part in survey_at(tmp_path, [path], limit).left:
        found = survey(tree, part, limit)
        assert found.left == ()
        assert found.listings[0].load.result <= limit.result


def test_packs_hold_every_directory_once_and_fit_a_payload():
    paths = ["/".join(["名" * 80] * 10) + f"/{number}" for number in range(300)]
    found = list(packs(paths, 100))
    assert [path for pack in found for path in pack["directories"]] == paths
    assert max(len(json.dumps(pack)) for pack in found) < 32_768


@pytest.mark.parametrize(("directories", "subtasks"), [(1, 1), (7, 1), (8, 2), (56, 8), (200, 8), (1000, 40)])
def test_packs_are_many_enough_to_spread_and_few_enough_to_pay(directories, subtasks):
    assert len(list(packs([str(number) for number in range(directories)], 25))) == subtasks


def test_names_are_short_and_differ_where_the_work_does():
    long = "x/" * 1000 + "end"
    works = [
        payload(["a"]),
        payload(["a", "b"]),
        payload(["a", "c"]),
        payload(["a"], Part("", "b")),
        payload(["a"], Part("b")),
        payload(["a"], Part("b", "c")),
        payload(["a"], Part("\udcff" * 255)),
        payload(["a // from b"]),
        payload([long]),
        payload([long + "2"]),
    ]
    names = [work["name"] for work in works]
    assert names[0] == "a"
    assert len(set(names)) == len(names)
    assert max(map(len, names)) < 450
    assert re.fullmatch(r"a // and 1 more \([0-9a-f]{12}\)", names[1])
    assert payload(["a", "b"]) == works[1], "a retry enqueues what is known"
