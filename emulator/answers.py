"""Answers of the gateway's API, and those that come instead of them."""

from starlette.responses import Response

from emulator.wire import json_encode

_GARBAGE = b"<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted in <b>/hooks.php</b>\n"


def json_answer(value: object) -> Response:
    """HTTP 200 with a value as JSON; the gateway's errors are such answers as well."""
    return Response(json_encode(value), media_type="application/json")


def http_error(status: int) -> Response:
    """An HTTP error with a page, as a proxy answers."""
    return Response(f"HTTP {status}\n", status, media_type="text/html")


def garbage() -> Response:
    """HTTP 200 with a page of a program that failed."""
    return Response(_GARBAGE, media_type="text/html")
