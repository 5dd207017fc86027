"""Gateway: the hooks API as the vendor's is known to answer, its errors as HTTP 200 included.

Sources: the vendor's webhooks page, recorded answers, and what its own clients send and expect. Not known, and decided
here so that clients have the harder part: any word is an event type, the same hook can be registered twice, and to
remove what is not there fails.
"""

import asyncio
import logging
from collections import Counter
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from emulator.api_request import ApiRequest
from emulator.auth import Authenticator
from emulator.faults import GARBAGE, Fault, Faults
from emulator.hooks import Hook, Registration
from emulator.registry import Registry
from emulator.wire import json_encode

log = logging.getLogger("seven.emulator")

_REGISTERED_WITH = ("target_url", "event_type", "event_filter", "request_method", "headers")
_COMPLAINTS = {"target_url": "Invalid URL"}  # the one that is recorded

Answer = dict[str, Any]


class Gateway:
    """`/api/hooks`. `requests` counts by action whatever is asked, answered or refused."""

    def __init__(self, registry: Registry, admitting: Authenticator, faults: Faults) -> None:
        self.requests: Counter[str] = Counter()
        self._registry = registry
        self._admitting = admitting
        self._faults = faults
        self._actions = {"read": self._read, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe}

    async def answer(self, request: Request) -> Response:
        """The gateway's answer, unless a fault that was asked for comes between."""
        asked = await ApiRequest.of(request)
        self.requests[asked.action] += 1
        fault = self._faults.meet(asked.action)
        response = self._perform(asked) if fault is None else self._fail(asked, fault)
        log.info("api action=%s status=%d fault=%s", asked.action, response.status_code, fault is not None)
        if fault is not None and fault.slow:
            await asyncio.sleep(fault.slow)
        return response

    def _fail(self, asked: ApiRequest, fault: Fault) -> Response:
        if not fault.replaces_answer:
            return self._perform(asked, fault)
        if fault.performed:
            self._perform(asked)
        if fault.status is not None:
            return Response(f"HTTP {fault.status}\n", fault.status, media_type="text/html")
        return Response(GARBAGE, media_type="text/html") if fault.garbage else _json(fault.code)

    def _perform(self, asked: ApiRequest, fault: Fault | None = None) -> Response:
        if (code := self._admitting.refusal(asked)) is not None:
            return _json(code)
        act = self._actions.get(asked.action)
        answer = _failure("Invalid action") if act is None else act(asked)
        return _json(answer if fault is None else fault.spoil(answer))

    def _read(self, _: ApiRequest) -> Answer:
        return {**_success(), "hooks": [_told(hook) for hook in self._registry]}

    def _subscribe(self, asked: ApiRequest) -> Answer:
        try:
            registration = Registration.model_validate(
                {name: asked.words[name] for name in _REGISTERED_WITH if name in asked.words}
            )
        except ValidationError as error:
            wrong = {str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False)}
            name = next(name for name in _REGISTERED_WITH if name in wrong)
            return _failure(_COMPLAINTS.get(name, f"Invalid {name}"))
        return {**_success(), "id": self._registry.register(registration).id}

    def _unsubscribe(self, asked: ApiRequest) -> Answer:
        """By id, or every hook with this URL, event type and request method, whatever its filter."""
        words = asked.words
        if hook_id := words.get("id", "").strip():
            gone = [hook for hook in self._registry if str(hook.id) == hook_id]
        else:
            told = (words.get("target_url"), words.get("event_type"), (words.get("request_method") or "POST").upper())
            gone = [hook for hook in self._registry if (hook.target_url, hook.event_type, hook.request_method) == told]
        if not gone:
            return _failure("Webhook not found")
        self._registry.remove(*gone)
        return _success()


def _success() -> Answer:
    return {"success": True, "code": None}


def _failure(message: str) -> Answer:
    return {"success": False, "code": None, "error_message": message}


def _told(hook: Hook) -> Answer:
    """A hook as it is listed: the id is a string here, and a number in the answer to a subscribe."""
    told = {
        "id": str(hook.id),
        "target_url": hook.target_url,
        "event_type": hook.event_type,
        "event_filter": hook.event_filter,
        "request_method": hook.request_method,
        "enabled": hook.enabled,
        "created": hook.created,
    }
    return told if hook.headers is None else {**told, "headers": hook.headers}


def _json(told: object) -> Response:
    return Response(json_encode(told), media_type="application/json")
