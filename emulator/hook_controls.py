"""Hook controls: hooks registered, changed and removed behind their owner's back, and faults of the API."""

from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from emulator.api_request import ACTIONS
from emulator.faults import Fault, Faults
from emulator.gateway import Gateway
from emulator.hooks import Hook, Registration
from emulator.registry import Registry
from emulator.scenario_controls import read_json, read_object

_SEVERAL = TypeAdapter(list[Fault])


class HookControls:
    """`/hooks` and `/faults`: no API key is asked for, no fault applies, and nothing is counted."""

    def __init__(self, registry: Registry, gateway: Gateway, faults: Faults) -> None:
        self._registry = registry
        self._gateway = gateway
        self._faults = faults

    async def overview(self, _: Request) -> JSONResponse:
        """Every hook that is registered."""
        return JSONResponse({"hooks": [_told(hook) for hook in self._registry]})

    async def register(self, request: Request) -> JSONResponse:
        """201 and the new hook."""
        registration = Registration.model_validate(await read_object(request))
        return JSONResponse(_told(self._registry.register(registration)), 201)

    async def change(self, request: Request) -> JSONResponse:
        """The hook as it is now: what the body does not say, stays."""
        told, hook = await read_object(request), self._found(request)
        present = hook.model_dump(include=set(Registration.model_fields))
        return JSONResponse(_told(self._registry.change(hook, Registration.model_validate({**present, **told}))))

    async def remove(self, request: Request) -> JSONResponse:
        """The hook that is no more."""
        hook = self._found(request)
        self._registry.remove(hook)
        return JSONResponse(_told(hook))

    async def faults(self, request: Request) -> JSONResponse:
        """What goes wrong, and how many requests of each action the API has had; PUT says anew, DELETE ends it."""
        if request.method == "PUT":
            told = await read_json(request)
            several = _SEVERAL.validate_python(told) if isinstance(told, list) else [Fault.model_validate(told)]
            self._faults.become(several)
        elif request.method == "DELETE":
            self._faults.become(())
        requests = {action: self._gateway.requests[action] for action in ACTIONS}
        return JSONResponse({"faults": self._faults.listed(), "requests": requests})

    def _found(self, request: Request) -> Hook:
        hook = self._registry.find(request.path_params["id"])
        if hook is None:
            raise HTTPException(404, "no such hook")
        return hook


def _told(hook: Hook) -> dict[str, object]:
    return {"id": hook.id, "created": hook.created, **hook.model_dump(exclude={"id", "created_at"})}
