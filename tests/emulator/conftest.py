"""A receiver for every test that wants one."""

from collections.abc import Iterator

import pytest

from tests.emulator.emulating import Emulator, emulating
from tests.emulator.listening import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulating() as one:
        yield one
