"""Checks of the machine: room on its disks, and access to Flower."""

from pathlib import Path

import pytest

from operations.checks.check import Grade
from operations.checks.machine import checks, free


@pytest.mark.parametrize(
    ("left", "total", "grade"),
    [
        pytest.param(50 * 1024**3, 100 * 1024**3, Grade.GOOD, id="room"),
        pytest.param(5 * 1024**3, 100 * 1024**3, Grade.WARNING, id="little"),
        pytest.param(1024**2, 100 * 1024**3, Grade.WRONG, id="none"),
    ],
)
def test_disks(left: int, total: int, grade: Grade):
    """A disk that fills up gets a warning, a full one is wrong."""
    results = list(checks({"data": (left, total)}, 4096, [], None, alone=True))
    assert [check.grade for check in results] == [grade, Grade.GOOD]


def test_the_disks_of_this_machine(tmp_path: Path):
    """A directory that is not there yet is measured where it would be."""
    results = free({"here": tmp_path, "nowhere": tmp_path / "nowhere"})
    assert results["here"][1] == results["nowhere"][1]  # what is left changes meanwhile
    assert [0 < left <= total for left, total in results.values()] == [True, True]


@pytest.mark.parametrize(
    ("status", "alone", "grade"),
    [
        pytest.param(401, False, Grade.GOOD, id="asks"),
        pytest.param(302, False, Grade.GOOD, id="OAuth"),
        pytest.param(503, False, Grade.WARNING, id="broken"),
        pytest.param(200, True, Grade.GOOD, id="open on this machine"),
        pytest.param(200, False, Grade.WRONG, id="open to all"),
    ],
)
def test_access_to_flower(status: int, alone: bool, grade: Grade):
    """Flower shows every worker, so it is wrong if other machines reach it without a password."""
    results = {check.name: check.grade for check in checks({}, 4096, [], status, alone=alone)}
    assert results["Flower"] is grade
