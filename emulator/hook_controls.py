"""Controls to register, change and remove hooks behind their owner's back."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from emulator.controls import ControlAnswer, read_object
from emulator.hooks import Hook, Registration
from emulator.registry import Registry


class HookControls:
    """`/hooks`: it needs no API key, no fault applies to it, and it is not counted."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def overview(self, _: Request) -> ControlAnswer:
        """All registered hooks."""
        return ControlAnswer({"hooks": [_as_dict(hook) for hook in self._registry]})

    async def register(self, request: Request) -> ControlAnswer:
        """Register a hook; answers 201 and the hook."""
        registration = Registration.model_validate(await read_object(request))
        return ControlAnswer(_as_dict(self._registry.register(registration)), 201)

    async def change(self, request: Request) -> ControlAnswer:
        """Change the fields in the body; answers the changed hook."""
        changes, hook = await read_object(request), self._hook(request)
        current = hook.model_dump(include=set(Registration.model_fields))
        return ControlAnswer(_as_dict(self._registry.change(hook, Registration.model_validate({**current, **changes}))))

    async def remove(self, request: Request) -> ControlAnswer:
        """Remove a hook; answers the removed hook."""
        hook = self._hook(request)
        self._registry.remove(hook)
        return ControlAnswer(_as_dict(hook))

    def _hook(self, request: Request) -> Hook:
        hook = self._registry.find(request.path_params["id"])
        if hook is None:
            raise HTTPException(404, "no such hook")
        return hook


def _as_dict(hook: Hook) -> dict[str, object]:
    return {"id": hook.id, "created": hook.created, **hook.model_dump(exclude={"id", "created_at"})}
