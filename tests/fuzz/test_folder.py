"""A folder of specs: whatever is wrong with some files, the jobs of the others are there."""

import json
import os
from pathlib import Path
from random import Random

import pytest
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.cli import validate
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import load_dags
from airflow_mcp_provider.factory.broken_job import BrokenJob
from tests.fuzz import made, specs
from tests.fuzz.made import COUNT, cases
from tests.fuzz.wrong import Wrong
from tests.unit.cli.parsed import arguments

BESIDE = 20
GOOD = {f"good-{number}" for number in range(BESIDE)}
NAMES = ("inventory (copy)", "a b", "ü", "job'", "-x", "broken.x", ".", "..", "...", "x" * 200, "x" * 250, "%s", "{a}")


def stem(random: Random) -> str:
    """A file's name without its ending, such as people and programs make them."""
    odd = random.choice(NAMES) if random.random() < 0.5 else made.text(random)
    name = odd.encode("utf-8", "surrogateescape" if "\ud800" not in odd else "replace").replace(b"/", b"_")
    name = name.replace(b"\0", b"_") + (b"\xff" if random.random() < 0.05 else b"")
    return os.fsdecode(name[:250])


def content(random: Random) -> bytes:
    """A spec, or what is no text at all."""
    if random.random() < 0.05:
        return random.randbytes(50)
    return specs.text(random).encode("utf-8", "surrogatepass")


def good_folder(root: Path) -> Path:
    """Twenty jobs that are right."""
    root.mkdir()
    for name in GOOD:
        (root / f"{name}.yaml").write_text("plan: {items: [a]}\nrun: {shell: 'true'}\n")
    return root


def folder_of(root: Path, random: Random) -> Path:
    """Twenty jobs that are right, and as many files that nobody knows."""
    good_folder(root)
    for _ in range(BESIDE):
        (root / f"{stem(random)}{random.choice(('.yaml', '.yml'))}").write_bytes(content(random))
    return root


def odd_names(folder: Path) -> list[str]:
    return sorted(ascii(path.name) for path in folder.iterdir() if path.stem not in GOOD)


def test_no_file_takes_another_job_down(tmp_path: Path, wrong: Wrong) -> None:
    for number, (case, random) in enumerate(cases("folder", COUNT // BESIDE)):
        folder = folder_of(tmp_path / str(number), random)
        with wrong.of(case, odd_names(folder)):
            jobs = load_dags(folder)
            assert jobs.keys() >= GOOD
            for dag in jobs.values():
                if not isinstance(dag, BrokenJob):
                    assert json.dumps(DagSerialization.to_dict(dag))
                    continue
                with pytest.raises(SpecError) as raised:
                    _ = dag.task_group
                assert all(line.startswith(str(folder)) for line in str(raised.value).split("\n"))
    wrong.none()


def test_validate_tells_of_every_file(tmp_path: Path, wrong: Wrong, capfd: pytest.CaptureFixture[str]) -> None:
    for number, (case, random) in enumerate(cases("validate", COUNT // BESIDE)):
        folder = folder_of(tmp_path / str(number), random)
        with wrong.of(case, odd_names(folder)):
            with pytest.raises(SystemExit):
                validate.main(arguments("validate", str(folder), "--no-imports"))
            told = capfd.readouterr().out
            assert [name for name in GOOD if f"{folder}/{name}.yaml: ok, job {name}\n" not in told] == []
    wrong.none()


def _directory(path: Path) -> None:
    path.mkdir()


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [_directory, _nowhere, _loop, _device, os.mkfifo])
def test_what_is_no_file_takes_no_job_down(tmp_path: Path, make) -> None:
    folder = good_folder(tmp_path / "jobs")
    make(folder / "odd.yaml")
    assert load_dags(folder).keys() >= GOOD
