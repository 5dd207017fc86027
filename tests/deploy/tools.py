"""Tools from system packages: a test is skipped without its tool, or fails where all tools are required."""

import os
import shutil

import pytest


def tool(*names: str) -> str:
    """The path of the first installed of these programs; `make deploy-check` requires them."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"none of {', '.join(names)} is installed"
    if os.environ.get("REQUIRE_DEPLOY_TOOLS"):
        pytest.fail(missing)
    pytest.skip(missing)


thorough = pytest.mark.thorough
"""Mark for slow tests whose promise a faster test covers as well, to keep the suite short."""

thorough_on_sqlite = pytest.mark.parametrize("dialect", ["postgresql", pytest.param("sqlite", marks=thorough)])
"""Mark for tests that are slow on both databases: the suite runs PostgreSQL, where more can go wrong."""
