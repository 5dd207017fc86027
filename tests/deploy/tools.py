"""Tools from system packages: a test is skipped without its tool, or fails where all tools are required."""

import os
import shutil
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.order import DEPLOY_CHECK

Test = TypeVar("Test", bound=Callable[..., None])


def tool(*names: str) -> str:
    """The path of the first installed of these programs; `make deploy-check` requires them."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"none of {', '.join(names)} is installed"
    if os.environ.get(DEPLOY_CHECK):
        pytest.fail(missing)
    pytest.skip(missing)


thorough = pytest.mark.thorough
"""Mark for slow tests whose promise a faster test covers as well, to keep the suite short."""

thorough_on_sqlite = pytest.mark.parametrize("dialect", ["postgresql", pytest.param("sqlite", marks=thorough)])
"""Mark for tests that are slow on both databases: the suite runs PostgreSQL, where more can go wrong."""

sized = pytest.mark.sized
"""Mark for tests that do more of the same in `make deploy-check`: their numbers are a `size`."""


def size(suite: int, deploy_check: int) -> int:
    """How much of something a `sized` test does: enough for the suite, or all that proves something."""
    return deploy_check if os.environ.get(DEPLOY_CHECK) else suite


def examples(suite: int, deploy_check: int) -> Callable[[Test], Test]:
    """Mark for a property, with its number of examples in the suite and in `make deploy-check`."""
    chosen = settings(
        max_examples=size(suite, deploy_check),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    return lambda test: sized(chosen(test))
