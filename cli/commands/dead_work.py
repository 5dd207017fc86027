"""Execution of a confirmed `dead replay` or `dead discard`, in portions."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from cli.exits import ExitCode, Interruption
from cli.forgotten import forgotten_register
from cli.output.progress import Portions
from store.row_writer import Refused, Store, StoreAway


def carry_out(
    engine: Engine, ids: Sequence[str], participle: str, rate: float, act: Callable[[Store, Sequence[str]], None]
) -> Interruption | None:
    """Act on the deliveries in portions, at most `rate` deliveries a second. Returns None once all are done."""
    store = Store(engine, forgotten_register())
    portions = Portions(ids, participle, rate)
    try:
        with portions:
            for portion in portions:
                act(store, portion)
    except (StoreAway, Refused) as error:
        return Interruption(ExitCode.UNKNOWN, f"The database accepts no writes: {error}", portions.done)
    return Interruption(ExitCode.WRONG, "interrupted", portions.done) if portions.done < len(ids) else None
