"""CSV download: rows as a file that a spreadsheet opens, written while they are read, so that memory stays flat."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from starlette.responses import StreamingResponse

from operations.csv_cells import csv_line

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for the encoding of their own country."""


def csv_download(
    name: str, columns: Sequence[str], portions: AsyncIterator[Iterable[Sequence[object]]]
) -> StreamingResponse:
    """A file of these columns and of the rows of each portion; ends incomplete if one cannot be read."""

    async def lines() -> AsyncIterator[str]:
        yield BYTE_ORDER_MARK + csv_line(columns)
        async for rows in portions:
            if text := "".join(map(csv_line, rows)):
                yield text

    file = f"{name}-{datetime.now(UTC):%Y-%m-%d}.csv"
    return StreamingResponse(
        lines(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{file}"'},
    )
