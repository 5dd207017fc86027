"""Order of the tests: the longest start first, so that none of them alone prolongs the run."""

import os
from collections.abc import Iterable

import pytest

DEPLOY_CHECK = "REQUIRE_DEPLOY_TOOLS"


def arrange(items: list[pytest.Item]) -> None:
    """Skip `thorough` tests unless requested, and start each process with its share of tests that have a `duration`."""
    if not os.environ.get(DEPLOY_CHECK):
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="long; `make deploy-check` runs it"))
    items[:] = deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def deal(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Order items for xdist's worksteal, which first gives each process an equal number of successive items.

    Each share starts with its part of the long tests. Tests of a module with one duration for all stay together.
    """
    units: dict[object, list[pytest.Item]] = {}
    for item in items:
        if _duration(item):
            own = any(mark.name == "duration" for mark in item.own_markers)
            units.setdefault(item if own else item.path, []).append(item)
    longest = sorted(units.values(), key=lambda unit: -_duration(unit[0]))
    rest = [item for item in items if not _duration(item)]
    arranged: list[pytest.Item] = []
    for number in range(processes):
        size = (len(items) - len(arranged)) // (processes - number)
        share = _flat(longest[number::processes])
        fill = max(0, size - len(share))
        arranged += [*share, *rest[:fill]]
        del rest[:fill]
    return arranged + rest


def _duration(item: pytest.Item) -> float:
    mark = item.get_closest_marker("duration")
    return 0.0 if mark is None else float(mark.args[0])


def _flat(units: Iterable[list[pytest.Item]]) -> list[pytest.Item]:
    return [item for unit in units for item in unit]
