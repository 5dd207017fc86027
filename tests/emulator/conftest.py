"""Fixtures: a receiver and an emulator, both real HTTP servers."""

from collections.abc import Iterator

import pytest

from tests.emulator.emulator_process import Emulator, run_emulator
from tests.emulator.stub_receiver import Receiver, run_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with run_emulator() as emulator:
        yield emulator
