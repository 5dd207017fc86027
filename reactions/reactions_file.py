"""Reactions file: who subscribes to what, as TOML, with everything that is wrong with it said at once."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reactions.bounded_file import read_text
from reactions.reaction import Reaction
from reactions.reaction_table import ReactionTable
from seven.hooks import Addresses

TABLE = "reaction"
LONGEST = 1_000_000
"""Bytes of the file."""


class InvalidReactions(ValueError):  # noqa: N818 - the operator's, and no fault of the program
    """The file is no use. Each fault names the reaction and the key; none quotes a secret or a URL."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def read_reactions(path: Path, own: Addresses) -> list[Reaction]:
    """The subscribers in a file, in its order; none in an empty one. Raises InvalidReactions with every fault.

    `own` are the addresses of our hooks, which are no targets. Handlers are imported to check them, in processes of
    their own.
    """
    document = _document(path)
    faults = [_unknown(name) for name in document if name != TABLE]
    tables = document.get(TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InvalidReactions([*faults, f"{TABLE}: each reaction begins with [[{TABLE}]]"])
    reactions, names = [], set()
    for position, values in enumerate(tables, 1):
        table = ReactionTable(position, values, path.absolute().parent)
        if table.name in names:
            table.add_fault("name", "another reaction has the same name")
        names |= {table.name} - {""}
        reaction = table.read(own)
        faults += table.faults
        if reaction is not None:
            reactions.append(reaction)
    if faults:
        raise InvalidReactions(faults)
    return reactions


def _document(path: Path) -> dict[str, Any]:
    text = _text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # it has line and column, and quotes no value
        raise _invalid(f"invalid TOML: {error}") from None
    except (RecursionError, ValueError):
        raise _invalid("invalid TOML: it is nested too deep, or has a number with too many digits") from None


def _text(path: Path) -> str:
    try:
        return read_text(path, LONGEST)
    except ValueError as error:
        raise _invalid(str(error)) from None


def _invalid(fault: str) -> InvalidReactions:
    return InvalidReactions([f"SEVEN_REACTIONS_FILE: {fault}"])


def _unknown(name: str) -> str:
    hint = f"; {TABLE} is" if get_close_matches(name, [TABLE]) else f"; each reaction begins with [[{TABLE}]]"
    return f"{name[:40]}: no key is named so{hint}"
