"""The erasure key's check: a missing, weak or changed key is noticed."""

import pytest
from sqlalchemy import Engine

from operations.checks.check import Grade, Unread
from operations.checks.erasure_key import check
from seven.forgotten_numbers import ErasureKey
from store.forgotten import HashCounts, OptOutKeys, count_hashes, remember
from store.row_writer import Store

KEY, OTHER = ErasureKey("uFq8Zr2kYw0BvX5nT1sLpA7c"), ErasureKey("Jd3mNe9hQx6GtR4oW8iUyK1z")


@pytest.mark.parametrize(
    ("key", "hashes", "grade", "part"),
    [
        pytest.param(KEY, HashCounts(2, 0), Grade.GOOD, "2 forgotten numbers", id="good"),
        pytest.param(KEY, None, Grade.GOOD, "0 forgotten numbers", id="no tables yet"),
        pytest.param(None, HashCounts(0, 0), Grade.WARNING, "comes back", id="missing"),
        pytest.param(None, HashCounts(2, 2), Grade.WRONG, "2 of 2", id="lost"),
        pytest.param(OTHER, HashCounts(3, 2), Grade.WRONG, "another one", id="changed"),
        pytest.param(ErasureKey("short"), HashCounts(0, 0), Grade.WRONG, "fewer than", id="weak"),
        pytest.param(KEY, Unread("away"), Grade.UNKNOWN, "away", id="unknown"),
    ],
)
def test_the_key_is_judged(key: ErasureKey | None, hashes: HashCounts | Unread | None, grade: Grade, part: str):
    """Each has its grade and its finding, in which no key stands."""
    judged = check(key, hashes)
    assert (judged.grade, part in judged.finding) == (grade, True)
    assert key is None or key.secret not in judged.finding + judged.remedy


def test_a_changed_key_is_noticed(engine: Engine):
    """Each hash tells by which key it was made, and an opt-out's keys are certain only if that is the present one."""
    Store(engine).transact(lambda connection: remember(connection, KEY, "491512345678"))
    with engine.connect() as connection:
        counts = {key: count_hashes(connection, key) for key in (KEY, OTHER, None)}
        keys = {key: OptOutKeys(connection, key) for key in (KEY, OTHER, None)}
    assert counts == {KEY: HashCounts(1, 0), OTHER: HashCounts(1, 1), None: HashCounts(1, 1)}
    assert [keys[key].is_certain for key in (KEY, OTHER, None)] == [True, False, False]
    assert keys[KEY].of("491512345679") == ("491512345679", KEY.hash("491512345679"))
    assert keys[None].of("491512345679") == ("491512345679",)
