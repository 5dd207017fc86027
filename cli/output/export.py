"""Output of `export`: one JSON document, written entry by entry, to standard output or to a private file."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from cli.output.values import for_json
from operations.person_export import SECTIONS, Entry
from seven.data_subject import DataSubject, Id, Number

NOT_INCLUDED = (
    "Messages that you sent to a number, but for those in sent_messages: export them by --msg-id or --foreign-id.",
    "Deliveries that wait in the ledger, as counted under `waiting`: run it again once workers have consumed them.",
    "What retention or an erasure has removed.",
    "What the gateway and other programs of yours keep, and backups.",
)


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A new file, readable by its owner alone; removed again if the block fails. Raises OSError, also if it exists."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise


def write_export(
    out: TextIO, person: DataSubject, entries: Iterable[tuple[str, Entry]], waiting: Callable[[], int]
) -> int:
    """Write the document; `waiting` is called after the last entry. Returns the number of entries."""
    head = {"person": _named(person), "exported_at": datetime.now(UTC), "not_included": NOT_INCLUDED}
    out.write("{\n")
    out.writelines(f"  {json.dumps(name)}: {_text(value)},\n" for name, value in head.items())
    number, sections = 0, iter(SECTIONS)
    current, first = next(sections), True
    out.write(f'  "{current}": [')
    for section, entry in entries:
        while section != current:
            current, first = next(sections), True
            out.write(f'\n  ],\n  "{current}": [')
        out.write(f"{'' if first else ','}\n    {_text(entry)}")
        number, first = number + 1, False
    out.writelines(f'\n  ],\n  "{section}": [' for section in sections)
    out.write(f'\n  ],\n  "waiting": {waiting()}\n}}\n')
    out.flush()
    return number


def print_summary(number: int, waiting: int) -> None:
    """Say on standard error what was written."""
    sys.stderr.write(f"{number} entries about this person.\n" if number else "Nothing about this person is kept.\n")
    if waiting:
        sys.stderr.write(
            f"{waiting} more deliveries about them wait in the ledger and are not included: "
            "run it again once workers have consumed them.\n"
        )


def _named(person: DataSubject) -> dict[str, str]:
    """How the person was named."""
    if isinstance(person, Number):
        return {"number": person.digits}
    assert isinstance(person, Id)
    return {"foreign_id" if "foreign_id" in person.fields else "msg_id": person.value}


def _text(value: Any) -> str:
    """JSON in ASCII."""
    return json.dumps(value, default=for_json)
