"""Tools from system packages: a test is skipped without its tool, or fails where all tools are required."""

import importlib
import os
import shutil
from types import ModuleType
from typing import NoReturn

import pytest

from tests.order import DEPLOY_CHECK


def _lack(missing: str) -> NoReturn:
    if os.environ.get(DEPLOY_CHECK):
        pytest.fail(missing)
    pytest.skip(missing)


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
    _lack(f"none of {', '.join(names)} is installed")


def module(name: str) -> ModuleType:
    """A module of requirements/deploy.txt, which `make deploy-check` installs and requires."""
    try:
        return importlib.import_module(name)
    except ImportError:
        _lack(f"{name} is not installed")
