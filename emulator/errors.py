"""Refusing: what a control cannot read, named field by field."""

import json
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse


class UnreadableError(Exception):
    """A body that is not what a control reads."""


async def read_json(request: Request) -> Any:
    """The body; without one an empty object. Raises UnreadableError."""
    try:
        return json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None


async def read_object(request: Request) -> dict[str, Any]:
    """The body, an object. Raises UnreadableError."""
    told = await read_json(request)
    if not isinstance(told, dict):
        raise UnreadableError("not a JSON object")
    return told


async def refuse(_: Request, error: Exception) -> JSONResponse:
    """422 saying what is wrong, and repeating none of it."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = {".".join(map(str, one["loc"])) or "body": one["msg"].removeprefix("Value error, ") for one in found}
    else:
        wrong = {"body": str(error)}
    return JSONResponse({"error": "; ".join(f"{name}: {word}" for name, word in wrong.items()), "wrong": wrong}, 422)
