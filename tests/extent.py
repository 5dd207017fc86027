"""Extent of the tests: what `make test` does, and what only `make deploy-check` does, since it takes long."""

import os
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.order import DEPLOY_CHECK

Test = TypeVar("Test", bound=Callable[..., None])

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
