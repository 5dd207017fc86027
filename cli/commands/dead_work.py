"""Carrying out what somebody has seen the plan of and agreed to, in portions."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from cli.exits import ExitCode, Interruption
from cli.output.progress import Portions
from store.row_writer import Refused, Store, StoreAway


def carry_out(
    engine: Engine, chosen: Sequence[str], what: str, rate: float, act: Callable[[Store, Sequence[str]], None]
) -> Interruption | None:
    """Act on portions, `rate` of them a second; returns why not on all."""
    store = Store(engine)
    portions = Portions(chosen, what, rate)
    try:
        with portions:
            for portion in portions:
                act(store, portion)
    except (StoreAway, Refused) as error:
        return Interruption(ExitCode.UNKNOWN, f"The database does not take anything: {error}", portions.done)
    return Interruption(ExitCode.WRONG, "interrupted", portions.done) if portions.done < len(chosen) else None
