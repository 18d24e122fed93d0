"""Whatever stands in a folder of specs: an error of the jobs that it concerns, at once; the others are loaded."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import load_dags
from airflow_mcp_provider.factory.broken_job import BrokenJob
from tests.sizes import patient

GOOD = "plan: {items: [a]}\nrun: {shell: 'true'}\n"
LAUGHS = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 30))
MANY = "params:\n" + "".join(f"  k{n}: {{type: integer, default: 1}}\n" for n in range(9_000))
NOBODY = 65534
Make = Callable[[Path], object]

ODD: dict[str, tuple[Make, str]] = {
    "half-written": (lambda path: path.write_text("plan: {items: [a\n"), ":2: invalid YAML"),
    "50 MB": (lambda path: path.write_bytes(b"#" * 50_000_000), ": file too large"),
    "YAML bomb": (lambda path: path.write_text(f"x0: &x0 [a]\n{LAUGHS}"), ":1: too many values"),
    "cycle of anchors": (lambda path: path.write_text("tags: &a [*a]\n"), ":1: too many levels of nesting"),
    "no UTF-8": (lambda path: path.write_bytes(b"\nowner: \xe9\n"), ":2: invalid UTF-8 byte 0xe9"),
    "FIFO": (os.mkfifo, ": unsupported type of file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), ": unsupported type of file"),
    "folder": (lambda path: path.mkdir(), ": cannot read the file: Is a directory"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), ": cannot read the file: No such file"),
    "link to itself": (lambda path: path.symlink_to(path.name), ": cannot read the file: Too many levels"),
    "Python object": (
        lambda path: path.write_text("owner: !!python/object:os.system {}\n"),
        ":1: owner: unsupported tag",
    ),
    "include": (lambda path: path.write_text("owner: !include /etc/passwd\n"), ":1: owner: unsupported tag"),
    "no read permission": (lambda path: (path.touch(), path.chmod(0)), ": cannot read the file: Permission denied"),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Jobs in three folders, that any user can read: job ``other``, and below ``team`` the jobs ``one`` and ``two``."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    for name in ("other", "team/one", "team/deep/two"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / f"{name}.yaml").write_text(GOOD)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load once what is imported when it is needed: another user may not be able to read it."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "good.yaml").write_text(GOOD)
    (folder / "broken.yaml").write_text("tags: 5\n")
    assert [told(dag) for dag in load_dags(folder).values() if isinstance(dag, BrokenJob)]


@contextmanager
def without_rights() -> Iterator[None]:
    """As another user than root, who may read everything."""
    before = os.geteuid()
    os.seteuid(NOBODY if before == 0 else before)
    try:
        yield
    finally:
        os.seteuid(before)


def loaded(folder: Path) -> tuple[set[str], list[str]]:
    """Return the ids of the jobs, and the first error of each broken file."""
    begin = time.process_time()
    with without_rights():
        dags = load_dags(folder)
    assert time.process_time() - begin < patient(3)
    broken = [dag for dag in dags.values() if isinstance(dag, BrokenJob)]
    return {name for name, dag in dags.items() if dag not in broken}, sorted(map(told, broken))


def told(job: BrokenJob) -> str:
    with pytest.raises(SpecError) as raised:
        _ = job.task_group
    return str(raised.value).split("\n")[0]


@pytest.mark.parametrize(("make", "error"), ODD.values(), ids=ODD)
def test_a_hostile_file_is_an_error_of_its_own(folder: Path, make: Make, error: str) -> None:
    make(folder / "team" / "odd.yaml")
    jobs, errors = loaded(folder)
    assert jobs == {"other", "one", "two"}
    assert [one.startswith(f"{folder}/team/odd.yaml{error}") for one in errors] == [True], errors


@pytest.mark.parametrize(("make", "error"), ODD.values(), ids=ODD)
def test_hostile_defaults_are_an_error_of_the_jobs_below_them(folder: Path, make: Make, error: str) -> None:
    make(folder / "team" / "_defaults.yaml")
    jobs, errors = loaded(folder)
    assert jobs == {"other"}
    assert [one.startswith(f"{folder}/team/_defaults.yaml{error}") for one in errors] == [True, True], errors


def test_defaults_with_too_many_values_are_read_once(folder: Path) -> None:
    """Each of 100 jobs below would be validated with them."""
    (folder / "team" / "_defaults.yaml").write_text(MANY)
    for number in range(100):
        (folder / "team" / f"job-{number}.yaml").write_text(GOOD)
    jobs, errors = loaded(folder)
    assert jobs == {"other"}
    assert len(errors) == 102
    assert "_defaults.yaml:1: too many values in defaults: 27002; expected at most 2000" in errors[0]


def test_a_folder_that_cannot_be_listed_is_an_error(folder: Path) -> None:
    (folder / "team.yaml").write_text(GOOD)
    (folder / "team").chmod(0)
    jobs, errors = loaded(folder)
    assert jobs == {"other", "team"}
    assert errors == [f"{folder}/team: cannot read the file: Permission denied"]


def test_a_job_id_in_two_folders_is_an_error_of_the_second(folder: Path) -> None:
    (folder / "team" / "deep" / "one.yaml").write_text(GOOD)
    jobs, errors = loaded(folder)
    assert jobs == {"other", "one", "two"}
    first = f"{folder}/team/deep/one.yaml"
    assert len(errors) == 1
    assert errors[0].startswith(f"{folder}/team/one.yaml: duplicate job id one, also that of {first}")


def test_links_to_folders_above_and_in_a_circle_are_followed_once(folder: Path) -> None:
    (folder / "team" / "up").symlink_to("..")
    (folder / "team" / "deep" / "self").symlink_to(".")
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    assert loaded(folder) == ({"other", "one", "two"}, [])


def test_the_environment_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "swordfish")
    texts = ("${SECRET_OF_TEST}", "$SECRET_OF_TEST", "{{ var.value.x }}", "$(id)", "~")
    (folder / "team" / "_defaults.yaml").write_text(f"owner: '{texts[0]}'\ntags: {list(texts)}\n")
    dag = load_dags(folder)["one"]
    assert set(texts) <= dag.tags
    assert dag.task_dict["plan"].owner == texts[0]
