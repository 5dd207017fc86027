"""Controls to inject faults into one of the gateway's APIs."""

from collections import Counter
from collections.abc import Sequence
from typing import Generic

from pydantic import TypeAdapter
from starlette.requests import Request

from emulator.controls import ControlAnswer, read_json
from emulator.faults import F, Faults


class FaultControls(Generic[F]):
    """The faults of one API: they need no API key, no fault applies to them, and they are not counted."""

    def __init__(self, model: type[F], faults: Faults[F], requests: Counter[str], subjects: Sequence[str]) -> None:
        """`requests` counts the API's requests by subject, and `subjects` are those that are reported."""
        self._faults = faults
        self._fault: TypeAdapter[F] = TypeAdapter(model)
        self._list: TypeAdapter[list[F]] = TypeAdapter(list[model])  # type: ignore[valid-type]
        self._requests = requests
        self._subjects = subjects

    async def answer(self, request: Request) -> ControlAnswer:
        """The active faults, and the number of requests by subject. PUT replaces the faults, DELETE removes them."""
        if request.method == "PUT":
            body = await read_json(request)
            is_list = isinstance(body, list)
            self._faults.replace(self._list.validate_python(body) if is_list else [self._fault.validate_python(body)])
        elif request.method == "DELETE":
            self._faults.replace(())
        requests = {subject: self._requests[subject] for subject in self._subjects}
        return ControlAnswer({"faults": self._faults.as_list(), "requests": requests})
