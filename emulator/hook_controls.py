"""Controls to register, change and remove hooks behind their owner's back, and to inject faults of the API."""

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

_FAULTS = TypeAdapter(list[Fault])


class HookControls:
    """`/hooks` and `/faults`: they need no API key, no fault applies to them, and they are not counted."""

    def __init__(self, registry: Registry, gateway: Gateway, faults: Faults) -> None:
        self._registry = registry
        self._gateway = gateway
        self._faults = faults

    async def overview(self, _: Request) -> JSONResponse:
        """All registered hooks."""
        return JSONResponse({"hooks": [_as_dict(hook) for hook in self._registry]})

    async def register(self, request: Request) -> JSONResponse:
        """Register a hook; answers 201 and the hook."""
        registration = Registration.model_validate(await read_object(request))
        return JSONResponse(_as_dict(self._registry.register(registration)), 201)

    async def change(self, request: Request) -> JSONResponse:
        """Change the fields in the body; answers the changed hook."""
        changes, hook = await read_object(request), self._hook(request)
        current = hook.model_dump(include=set(Registration.model_fields))
        return JSONResponse(_as_dict(self._registry.change(hook, Registration.model_validate({**current, **changes}))))

    async def remove(self, request: Request) -> JSONResponse:
        """Remove a hook; answers the removed hook."""
        hook = self._hook(request)
        self._registry.remove(hook)
        return JSONResponse(_as_dict(hook))

    async def faults(self, request: Request) -> JSONResponse:
        """The active faults, and the number of API requests by action. PUT replaces the faults, DELETE removes them."""
        if request.method == "PUT":
            body = await read_json(request)
            faults = _FAULTS.validate_python(body) if isinstance(body, list) else [Fault.model_validate(body)]
            self._faults.replace(faults)
        elif request.method == "DELETE":
            self._faults.replace(())
        requests = {action: self._gateway.requests[action] for action in ACTIONS}
        return JSONResponse({"faults": self._faults.as_list(), "requests": requests})

    def _hook(self, request: Request) -> Hook:
        hook = self._registry.find(request.path_params["id"])
        if hook is None:
            raise HTTPException(404, "no such hook")
        return hook


def _as_dict(hook: Hook) -> dict[str, object]:
    return {"id": hook.id, "created": hook.created, **hook.model_dump(exclude={"id", "created_at"})}
