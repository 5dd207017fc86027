"""Controls read JSON, and refuse an invalid request by naming each wrong field."""

import json
import math
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse


class UnreadableError(Exception):
    """The body of a request to a control is invalid."""


class ControlAnswer(JSONResponse):
    """An answer in ASCII: half a character, which JSON can name and UTF-8 cannot hold, is answered as it came."""

    def render(self, content: object) -> bytes:
        """The content as JSON. Raises ValueError for a number that JSON does not have."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


async def read_json(request: Request) -> Any:
    """The request's JSON, of finite numbers; an empty object without a body. Raises UnreadableError."""
    try:
        return json.loads(await request.body() or b"{}", parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None


async def read_object(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises UnreadableError."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise UnreadableError("not a JSON object")
    return body


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("JSON has no such number")
    return number


async def refuse(_: Request, error: Exception) -> ControlAnswer:
    """Answer 422, naming each error without repeating a value."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = {
            ".".join(map(str, details["loc"])) or "body": details["msg"].removeprefix("Value error, ")
            for details in errors
        }
    else:
        wrong = {"body": str(error)}
    message = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
    return ControlAnswer({"error": message, "wrong": wrong}, 422)
