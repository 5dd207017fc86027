"""Output of `opt-outs`: tables, and the numbers of a file that have opted out."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cli.output.terminal import Column, document, line, shown, suggestion, table
from seven.opt_outs import opt_out_number
from seven.phone_numbers import writes_a_trunk_prefix

_MOST_NAMED = 10
_EVERY_RECIPIENT = "all"


class FileAnswers:
    """The numbers of a file, read as they are needed, and what became of its lines."""

    def __init__(self, country_code: int) -> None:
        self._country_code, self._is_bare_international = country_code, writes_a_trunk_prefix(country_code)
        self._waiting: deque[str] = deque()
        self.read = 0
        self.invalid: list[int] = []
        """Lines that hold no phone number."""

    def numbers(self, lines: Iterable[str]) -> Iterator[str]:
        """Each number in digits. Blank lines are ignored."""
        for index, text in enumerate(lines, 1):
            written = text.strip()
            if not written:
                continue
            number = self._plain(written) or opt_out_number(written, self._country_code, is_typed=True)
            if number is None:
                self.invalid.append(index)
                continue
            self.read += 1
            self._waiting.append(written)
            yield number

    def _plain(self, written: str) -> str | None:
        """The digits of a number that means just these: of a million numbers most do, and parsing takes long.

        A trunk prefix would follow the country's code, which has three digits at most.
        """
        digits = written[1:] if written[0] == "+" else written if self._is_bare_international else ""
        is_plain = 8 <= len(digits) <= 15 and digits.isascii() and digits.isdigit() and "0" not in digits[:4]
        return digits if is_plain else None

    def opted_out(self, answers: Iterable[tuple[str, bool]]) -> Iterator[str]:
        """The numbers that have opted out, as they stand in the file; `answers` are to `numbers`, in their order."""
        for _, is_out in answers:
            written = self._waiting.popleft()
            if is_out:
                yield written


def print_listed(total: int, rows: Sequence[Mapping[str, Any]], *, ended: bool) -> None:
    """Print the latest opt-outs."""
    if not total:
        line("No opt-out has ended." if ended else "Nobody has opted out.")
        return
    what = "Ended" if ended else "Opted out"
    table(f"{what}: {total}" + (f", the latest {len(rows)}" if len(rows) < total else ""), _COLUMNS, _cells(rows))
    if not ended:
        suggestion("All about one of them:", f"trace {shown(rows[0]['number'])}")


def print_checked(answers: Sequence[tuple[str, bool]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print yes or no for each number, and on what that rests."""
    for number, is_out in answers:
        line(f"{shown(number)}: {'has opted out' if is_out else 'has not opted out'}", "bold" if is_out else "")
    if rows:
        cells = [[first, row["state"], *more] for (first, *more), row in zip(_cells(rows), rows, strict=True)]
        line()
        table("", [_COLUMNS[0], "state", *_COLUMNS[1:]], cells)


def write_checked(answers: FileAnswers, out: Iterable[str], *, as_json: bool) -> int:
    """Write the numbers that have opted out, and on standard error how many. Returns how many they are."""
    number = 0
    if as_json:
        listed = list(out)
        number = len(listed)
        document({"numbers": answers.read, "opted_out": listed, "invalid_lines": answers.invalid})
    else:
        for number, written in enumerate(out, 1):  # noqa: B007 - the last one counts them
            sys.stdout.write(f"{written}\n")
        sys.stderr.write(f"{number} of {answers.read} numbers have opted out.\n")
    if answers.invalid:
        named = ", ".join(map(str, answers.invalid[:_MOST_NAMED]))
        more = ", …" if len(answers.invalid) > _MOST_NAMED else ""
        sys.stderr.write(f"{len(answers.invalid)} lines hold no phone number, and were not checked: {named}{more}\n")
    return number


_COLUMNS: list[Column | str] = ["number", "recipient", "channel", "since", "word", Column("message", 1)]


def _cells(rows: Iterable[Mapping[str, Any]]) -> list[list[object]]:
    names = ("channel", "since", "word", "inbound_id")
    return [[row["number"], row["recipient"] or _EVERY_RECIPIENT, *(row[name] for name in names)] for row in rows]
