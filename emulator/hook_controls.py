"""Controls to register, change and remove hooks behind their owner's back."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from emulator.controls import read_object
from emulator.hooks import Hook, Registration
from emulator.registry import Registry


class HookControls:
    """`/hooks`: it needs no API key, no fault applies to it, and it is not counted."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

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

    def _hook(self, request: Request) -> Hook:
        hook = self._registry.find(request.path_params["id"])
        if hook is None:
            raise HTTPException(404, "no such hook")
        return hook


def _as_dict(hook: Hook) -> dict[str, object]:
    return {"id": hook.id, "created": hook.created, **hook.model_dump(exclude={"id", "created_at"})}
