"""The hooks API as the vendor's is known to answer, its errors as HTTP 200 included.

Sources: the vendor's webhooks page, recorded answers, and the requests and expectations of its own clients. Where the
API's behaviour is unknown, the emulator takes the variant that is harder for clients: it accepts any event type and
duplicate hooks, and refuses to remove a hook that does not exist.
"""

import asyncio
import logging
from collections import Counter
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from emulator.answers import json_answer
from emulator.api_request import ApiRequest
from emulator.auth import Authenticator
from emulator.faults import Faults
from emulator.hook_faults import HookFault
from emulator.hooks import Hook, Registration
from emulator.registry import Registry

log = logging.getLogger("seven.emulator")

_REGISTRATION_FIELDS = ("target_url", "event_type", "event_filter", "request_method", "headers")
_ERRORS = {"target_url": "Invalid URL"}  # the only one in a recorded answer

Answer = dict[str, Any]


class Gateway:
    """`/api/hooks`. `requests` counts all requests by action, whatever the answer."""

    def __init__(self, registry: Registry, authenticator: Authenticator, faults: Faults[HookFault]) -> None:
        self.requests: Counter[str] = Counter()
        self._registry = registry
        self._authenticator = authenticator
        self._faults = faults
        self._actions = {"read": self._read, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe}

    async def answer(self, request: Request) -> Response:
        """The gateway's answer, or that of an active fault."""
        api_request = await ApiRequest.of(request)
        self.requests[api_request.action] += 1
        fault = self._faults.take(api_request.action)
        response = self._perform(api_request) if fault is None else self._fail(api_request, fault)
        log.info("api action=%s status=%d fault=%s", api_request.action, response.status_code, fault is not None)
        if fault is not None and fault.slow:
            await asyncio.sleep(fault.slow)
        return response

    def _fail(self, request: ApiRequest, fault: HookFault) -> Response:
        replacement = fault.replacement()
        if replacement is None:
            return self._perform(request, fault)
        if fault.performed:
            self._perform(request)
        return replacement

    def _perform(self, request: ApiRequest, fault: HookFault | None = None) -> Response:
        if (code := self._authenticator.error_code(request)) is not None:
            return json_answer(code)
        action = self._actions.get(request.action)
        answer = _failure("Invalid action") if action is None else action(request)
        return json_answer(answer if fault is None else fault.distort(answer))

    def _read(self, _: ApiRequest) -> Answer:
        return {**_success(), "hooks": [_as_dict(hook) for hook in self._registry]}

    def _subscribe(self, request: ApiRequest) -> Answer:
        try:
            registration = Registration.model_validate(
                {name: request.fields[name] for name in _REGISTRATION_FIELDS if name in request.fields}
            )
        except ValidationError as error:
            wrong = {str(details["loc"][0]) for details in error.errors(include_url=False, include_input=False)}
            name = next(name for name in _REGISTRATION_FIELDS if name in wrong)
            return _failure(_ERRORS.get(name, f"Invalid {name}"))
        return {**_success(), "id": self._registry.register(registration).id}

    def _unsubscribe(self, request: ApiRequest) -> Answer:
        """Remove a hook by id, or all with this URL, event type and request method, whatever their filters."""
        fields = request.fields
        if hook_id := fields.get("id", "").strip():
            hooks = [hook for hook in self._registry if str(hook.id) == hook_id]
        else:
            key = (fields.get("target_url"), fields.get("event_type"), (fields.get("request_method") or "POST").upper())
            hooks = [hook for hook in self._registry if (hook.target_url, hook.event_type, hook.request_method) == key]
        if not hooks:
            return _failure("Webhook not found")
        self._registry.remove(*hooks)
        return _success()


def _success() -> Answer:
    return {"success": True, "code": None}


def _failure(message: str) -> Answer:
    return {"success": False, "code": None, "error_message": message}


def _as_dict(hook: Hook) -> Answer:
    """A hook as a read lists it: the id is a string here, and a number in the answer to a subscribe."""
    fields = {
        "id": str(hook.id),
        "target_url": hook.target_url,
        "event_type": hook.event_type,
        "event_filter": hook.event_filter,
        "request_method": hook.request_method,
        "enabled": hook.enabled,
        "created": hook.created,
    }
    return fields if hook.headers is None else {**fields, "headers": hook.headers}
