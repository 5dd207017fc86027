"""Viewer: who looks, and what they may see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person at the console."""

    name: str
    """As they logged in; `local` for who sits at this machine, where no login is asked for."""
    sees_texts: bool
    """Whether numbers and texts are shown in full; otherwise they are masked."""


LOCAL = Viewer("local", sees_texts=True)
"""Anyone on this machine, where the console asks for no login: the database's file is theirs as well."""
