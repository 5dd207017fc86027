"""Tools from the system's packages: a test that needs one is skipped without it, and fails where all are required."""

import os
import shutil

import pytest


def tool(*names: str) -> str:
    """The path of the first of these programs that is there; `make deploy-check` requires them."""
    for name in names:
        if found := shutil.which(name):
            return found
    missing = f"none of {', '.join(names)} is on this machine"
    if os.environ.get("REQUIRE_DEPLOY_TOOLS"):
        pytest.fail(missing)
    pytest.skip(missing)


thorough = pytest.mark.thorough
"""For what takes long and proves what another proves: the suite has to stay short."""

thorough_on_sqlite = pytest.mark.parametrize("dialect", ["postgresql", pytest.param("sqlite", marks=thorough)])
"""For what takes long on both databases: PostgreSQL, where more can go wrong, speaks for both in the suite."""
