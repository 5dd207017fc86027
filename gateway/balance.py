"""Balance: what the account has left to send with, as the gateway says."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError

from gateway.api import Api, GatewayUnexpected, retried
from seven.field_types import Amount

EUROS = "EUR"

_Currency = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, pattern="^[A-Za-z]{3}$")]


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount and its currency; below zero where the account may overdraw."""

    amount: Amount
    currency: _Currency = EUROS

    @property
    def is_in_euros(self) -> bool:
        """Whether settings and metrics, which are in euros, apply to it."""
        return self.currency == EUROS


_ADAPTER = TypeAdapter(Balance)


def parse_balance(fields: Any) -> Balance:
    """A balance from its fields. Raises ValueError where amount or currency make no sense."""
    return _ADAPTER.validate_python(fields)


def read_balance(api: Api) -> Balance:
    """The balance now. Raises GatewayFailure; repeated when the gateway does not answer.

    The gateway answers `{"amount": 54.218, "currency": "EUR"}`, or `54.218` alone (recorded): those are euros, in
    which it bills. Either number may be a text.
    """
    answer = retried(lambda: api.get("balance", {}, bare=True))
    try:
        return parse_balance(answer if isinstance(answer, dict) else {"amount": answer})
    except ValidationError:
        raise GatewayUnexpected("the gateway's answer contains no balance that can be read") from None
