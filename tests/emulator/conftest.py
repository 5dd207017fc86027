"""A receiver for every test that wants one."""

from collections.abc import Iterator

import pytest

from tests.emulator.emulator_process import Emulator, emulating
from tests.emulator.stub_receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulating() as one:
        yield one
