"""Mixed files: two dispatchers, of which one has read a newer file: no change is lost between them."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tests.reactions.subscribers import Installation, RecordingTarget


@pytest.fixture
def old(engine: Engine) -> Iterator[Installation]:
    """It started first, with a file that has one reaction."""
    old = Installation(engine, {"shop": RecordingTarget()}, CollectorRegistry())
    old.begin()
    yield old
    old.dispatch.close()


def begin(engine: Engine, *names: str) -> Installation:
    """One that starts after it, with another file."""
    new = Installation(engine, {name: RecordingTarget() for name in names}, CollectorRegistry())
    new.begin()
    return new


def test_a_reaction_that_is_added(old: Installation, engine: Engine):
    """The older process hands out nothing, and says so once; what waited goes on to be sent, and the newer does the rest."""
    new = begin(engine, "shop", "crm")
    old.note("1", None, "SENT")
    with capture_logs() as lines:
        for _ in range(3):
            old.run()
    assert [line["reaction"] for line in lines if line["log_level"] == "error"] == ["crm"]
    new.run()
    old.run()
    assert new.received("crm") == ["1 - SENT"]
    assert sorted(new.received("shop") + old.received("shop")) == ["1 - SENT"]
    new.dispatch.close()


def test_one_that_is_starting_keeps_nobody(old: Installation, engine: Engine):
    """It gets nothing yet, so nothing of it can be lost."""
    new = Installation(engine, {"shop": RecordingTarget(), "crm": RecordingTarget()}, CollectorRegistry())
    new.dispatch.turn()
    old.note("1", None, "SENT")
    old.run()
    assert old.received("shop") == ["1 - SENT"]
    new.dispatch.close()


def test_a_reaction_that_is_removed(old: Installation, engine: Engine):
    """Whoever starts with the newer file turns it off: the older process sends it nothing more, and goes on for the rest."""
    both = begin(engine, "shop", "crm")
    new = begin(engine, "shop")
    assert new.states() == {"shop": "on", "crm": "off"}
    old.note("1", None, "SENT")
    both.run()
    assert (both.received("shop"), both.received("crm")) == (["1 - SENT"], [])
    for each in (new, both):
        each.dispatch.close()
