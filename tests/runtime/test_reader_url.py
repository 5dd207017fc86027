"""SEVEN_READER_URL: where those read who only read."""

import pytest

from runtime.settings.environment import InvalidSettings, read
from runtime.settings.shared import ReaderSettings

DATABASE = "postgresql://seven:secret@db/seven"
READER = "postgresql://seven_readonly:secret@standby/seven"


def test_the_role_that_only_reads_is_used_where_there_is_one():
    """Without it, everything reads by DATABASE_URL, as before."""
    with_both = read(ReaderSettings, {"database_url": DATABASE, "seven_reader_url": READER})
    assert (with_both.store_url, with_both.reader_url) == (DATABASE, READER)
    assert read(ReaderSettings, {"database_url": DATABASE}).reader_url == DATABASE


@pytest.mark.parametrize("url", ["sqlite:///data/seven.db", "mysql://u@h/d"])
def test_a_database_without_roles_is_refused(url: str):
    """SQLite has none, so such a URL could protect nothing."""
    with pytest.raises(InvalidSettings, match="SEVEN_READER_URL"):
        read(ReaderSettings, {"seven_reader_url": url})
