"""Runs erasures for the tests."""

from typing import Any

from sqlalchemy import Engine

from ledger.client import Ledger
from operations.erasure import Eraser
from operations.erasure_matches import Erasure
from seven.data_subject import DataSubject
from seven.forgotten_numbers import ErasureKey
from tests.factories.traces import NUMBER


def erased(
    engine: Engine, ledger: Ledger, person: DataSubject = NUMBER, key: ErasureKey | None = None, **how: Any
) -> Erasure:
    erasure = Erasure()
    Eraser(engine, ledger, person, key).erase(erasure, **{"wait_s": 0, "pause": lambda _: None} | how)
    return erasure
