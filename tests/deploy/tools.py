"""Tools from system packages: a test is skipped without its tool, or fails where all tools are required."""

import os
import shutil

import pytest

from tests.order import DEPLOY_CHECK


def server_tool(*names: str) -> str:
    """The path of a program whose tests take long: a browser or Prometheus. `make test` skips them wherever it is installed."""
    if not os.environ.get(DEPLOY_CHECK):
        pytest.skip(f"{names[0]} takes long; `make deploy-check` runs it")
    return tool(*names)


def tool(*names: str) -> str:
    """The path of the first installed of these programs; `make deploy-check` requires them."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"none of {', '.join(names)} is installed"
    if os.environ.get(DEPLOY_CHECK):
        pytest.fail(missing)
    pytest.skip(missing)
