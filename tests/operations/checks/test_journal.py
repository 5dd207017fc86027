"""The check of the journal: what it says of each state that the last pass can leave."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operations.checks.check import Grade
from operations.checks.journal import check
from operations.journal_state import JournalState

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
EVERY_S = 21_600.0


def state(ago_s: float = 3600, **fields: Any) -> JournalState:
    return JournalState(ended_ms=int((NOW - timedelta(seconds=ago_s)).timestamp() * 1000), **fields)


@pytest.mark.parametrize(
    ("state", "counts", "grade", "finding"),
    [
        pytest.param(JournalState(), {}, Grade.GOOD, "not read yet", id="a new installation"),
        pytest.param(JournalState(failure="900: the key"), {}, Grade.WARNING, "cannot be read: 900: the key", id="never"),
        pytest.param(state(failure="it does not answer"), {}, Grade.WARNING, "cannot be read: it does not answer", id="fails"),
        pytest.param(state(), {}, Grade.GOOD, "no webhook is missing; read 1 h ago", id="good"),
        pytest.param(state(), None, Grade.GOOD, "read 1 h ago", id="no database"),
        pytest.param(state(), {"came": 3, "uncovered": 9}, Grade.GOOD, "no webhook is missing; read 1 h ago", id="came"),
        pytest.param(state(), {"late": 2}, Grade.GOOD, "2 webhooks are late; read 1 h ago", id="late"),
        pytest.param(state(), {"late": 2, "missed": 3}, Grade.WARNING, "3 webhooks never came, 2 are late; read 1 h ago", id="missed"),
        pytest.param(state(unread=("dlr",)), {}, Grade.WARNING, "dlr cannot be read in full; read 1 h ago", id="bad rows"),
        pytest.param(state(shorter=("dlr", "sms_mo")), {}, Grade.WARNING, "the journal goes back less far than the rows of dlr, sms_mo; read 1 h ago", id="a short journal"),
        pytest.param(state(unread=("voice_call",)), {}, Grade.GOOD, "no webhook is missing; read 1 h ago", id="a list that is gone"),
        pytest.param(state(ago_s=3 * EVERY_S), {}, Grade.GOOD, "no webhook is missing; read 18 h ago", id="a delay"),
        pytest.param(state(ago_s=4 * EVERY_S), {}, Grade.WARNING, "last read 1 d ago", id="overdue"),
        pytest.param(state(ago_s=-3600), {}, Grade.WARNING, "last read 1 h in the future by Redis' clock", id="set back"),
    ],
)  # fmt: skip
def test_each_state_has_its_grade(state: JournalState, counts: Any, grade: Grade, finding: str):
    verdict = check(state, counts, EVERY_S, NOW)
    assert (verdict.grade, verdict.finding) == (grade, finding)


def test_the_emulators_journal_may_be_shorter():
    """It begins empty at each start, while rows stay; what cannot be read is a fault there, too."""
    shorter, both = state(shorter=("dlr",)), state(shorter=("dlr",), unread=("sms_mo",))
    assert check(shorter, {}, EVERY_S, NOW, emulated=True).finding == "no webhook is missing; read 1 h ago"
    assert check(both, {}, EVERY_S, NOW, emulated=True).finding == "sms_mo cannot be read in full; read 1 h ago"
