"""Visible text: what stays as it is, and what is shown as an escape."""

import pytest

from seven.visible_text import visible_text


@pytest.mark.parametrize("char", ["\U0001fae9", "\U0001faff"], ids=["Unicode 16", "unassigned"])
def test_pictographs_stay_whatever_pythons_unicode(char: str):
    """Those that this Python does not know, too: a phone may send them."""
    assert visible_text(f"Danke {char}\n") == f"Danke {char}\\n"


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\U000e0041", "\U0001fc00", "\ue000", "\x1b"])
def test_what_hides_or_commands_is_an_escape(char: str):
    """Format characters, private and unassigned code points, controls."""
    assert visible_text(char) == char.encode("unicode_escape").decode()
