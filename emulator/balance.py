"""The account's balance: what was played is paid from it."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from emulator.answers import json_answer
from emulator.api_request import ApiRequest
from emulator.auth import Authenticator
from emulator.controls import ControlAnswer, read_object


class Amount(BaseModel):
    """The fields of `PUT /balance`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    amount: Decimal = Field(allow_inf_nan=False, max_digits=12)
    """Euros."""


class Balance:
    """`/api/balance`, and the control `/balance`. It may fall below 0: nothing is refused for want of money."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._amount = Decimal("54.218")  # as in the vendor's sample

    def charge(self, cost: Decimal) -> None:
        """Take these euros from it."""
        self._amount -= cost

    async def answer(self, request: Request) -> Response:
        """The amount as text; for those who accept JSON, an object with the currency."""
        code = self._authenticator.error_code(await ApiRequest.of(request))
        if code is not None:
            return json_answer(code)
        if "application/json" in request.headers.get("accept", ""):
            return json_answer(self._as_dict())
        return PlainTextResponse(f"{self._amount:.3f}")

    async def control(self, request: Request) -> ControlAnswer:
        """The balance; PUT sets its amount."""
        if request.method == "PUT":
            self._amount = Amount.model_validate(await read_object(request)).amount
        return ControlAnswer(self._as_dict())

    def _as_dict(self) -> dict[str, object]:
        return {"amount": round(float(self._amount), 3), "currency": "EUR"}
