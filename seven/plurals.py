"""Plurals: a number with its noun."""


def counted(number: int, noun: str) -> str:
    """The number and the noun, with an s unless it is one: `1 change`, `2 changes`."""
    return f"{number} {noun}{'s' * (number != 1)}"
