"""Visible text: foreign text in which nothing is hidden, reorders what stands beside it, or commands a terminal."""

from seven.plurals import counted

_PICTOGRAPHS = range(0x1F000, 0x1FB00)
"""Those that are newer than this Python are unassigned to it, and hide nothing."""
ZERO_WIDTH_JOINER = "\u200d"
"""Joins emoji to one picture. A browser shows it; a terminal may not."""


def visible_text(text: str, keep: str = "") -> str:
    r"""The text with every unprintable character as an escape, such as `\x00`, `\u202e` or `\n`; those of `keep` stay.

    Unprintable are controls, controls of direction and other format characters, lone surrogates, unassigned and private
    code points but those of pictographs, and every space but the ordinary one.
    """
    if text.isprintable():  # nearly always
        return text
    return "".join(
        char
        if char in keep or char.isprintable() or ord(char) in _PICTOGRAPHS
        else char.encode("unicode_escape").decode()
        for char in text
    )


def text_summary(text: str, masked: bool) -> str:
    """A text that somebody wrote; masked, how long it is."""
    if not text.strip():
        return "an empty text"
    return f"a text of {counted(len(text), 'character')}" if masked else text
