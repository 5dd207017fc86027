"""Client of the gateway's hooks API: read, subscribe, unsubscribe."""

from collections.abc import Mapping
from typing import Any

from gateway.api import Api, GatewayUnexpected, is_success, refusal, retried
from seven.hooks import Hook

_HOOKS = "hooks"


class HooksClient:
    """A client of the hooks API. Every call may raise GatewayFailure; its text contains no key, token or URL."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self) -> list[Hook]:
        """Every hook of the account. Retried when the gateway does not answer."""
        return retried(self._read)

    def subscribe(self, hook: Hook) -> str:
        """Create a hook and return its id. Never retried: the hook may exist although its answer was lost."""
        parameters = {
            "action": "subscribe",
            "target_url": hook.target_url,
            "event_type": hook.event_type,
            "request_method": hook.request_method,
            "event_filter": hook.event_filter,
            "headers": hook.headers or None,
        }
        answer = self._change({name: value for name, value in parameters.items() if value is not None})
        if answer.get("id") in (None, ""):
            raise GatewayUnexpected("the gateway created a hook and returned no id")
        return str(answer["id"])

    def unsubscribe(self, hook_id: str) -> None:
        """Remove exactly this hook."""
        self._change({"action": "unsubscribe", "id": hook_id})

    def _read(self) -> list[Hook]:
        hooks = _successful(self._api.get(_HOOKS, {"action": "read"})).get("hooks")
        if not isinstance(hooks, list) or not all(isinstance(hook, dict) for hook in hooks):
            raise GatewayUnexpected("the gateway's answer contains no list of hooks")
        return [Hook.parse(hook) for hook in hooks]

    def _change(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        return _successful(self._api.post(_HOOKS, parameters))


def _successful(body: Any) -> dict[str, Any]:
    """The body of an answer that reports success."""
    if not isinstance(body, dict):
        raise GatewayUnexpected("the gateway's answer cannot be read (HTTP 200)")
    if not is_success(body):
        raise refusal(body)
    return body
