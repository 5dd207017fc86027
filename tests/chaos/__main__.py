"""`python -m tests.chaos`: the run on each database, one after the other. Exit code 0 when nothing was lost or doubled."""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from tests.chaos import report
from tests.chaos.options import Options
from tests.chaos.result import Result
from tests.chaos.runner import Conducting
from tests.chaos.sabotage import STEPS

DATABASES = ("sqlite", "postgresql")
EVERY_S = 15.0


class Progress:
    """The line that says where a run stands: moving on a terminal, else one every quarter of a minute."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console, self._status, self._said_at = console, status, 0.0

    def show(self, line: str) -> None:
        if self._console.is_terminal:
            self._status.update(line)
        elif time.monotonic() - self._said_at > EVERY_S:
            self._said_at = time.monotonic()
            self._console.print(line, markup=False)


def main() -> int:
    asked = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whatever was started is ended
    console = Console(highlight=False, soft_wrap=True)
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    results = [_run(console, asked, seed, one) for one in (DATABASES if asked.database is None else [asked.database])]
    if asked.json:
        asked.json.write_text(json.dumps([one.told() for one in results], indent=1, default=str) + "\n")
    if asked.markdown:
        print(report.markdown(results), end="")
    return int(any(one.findings for one in results))


def _run(console: Console, asked: Any, seed: int, database: str) -> Result:
    options = Options(
        database=database,
        seed=seed,
        minutes=asked.minutes,
        deliveries=asked.deliveries,
        faults=asked.faults,
        rate=asked.rate,
        sabotage=asked.sabotage,
    )
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    console.print(
        f"{database}, seed {seed}: {options.planned} faults in {options.minutes:g} min, "
        f"{options.per_second:.0f} deliveries/s; logs in {directory}"
    )
    with Status("starting", console=console) if console.is_terminal else Status("") as status:
        result = Conducting(options, directory, Progress(console, status).show).run()
    report.show(console, result)
    if result.findings or asked.keep:
        console.print(f"The logs are kept: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the same seed plans the same faults; by default a new one")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long faults come (default 3)")
    parser.add_argument("--deliveries", type=int, default=0, help="accepted deliveries to reach at least")
    parser.add_argument("--faults", type=int, default=0, help="faults at least (default 8 a minute)")
    parser.add_argument("--rate", type=float, help="new deliveries in a second (default: what --deliveries needs)")
    parser.add_argument("--database", choices=DATABASES, help="by default both, one after the other")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that is known of the runs")
    parser.add_argument("--markdown", action="store_true", help="print the results as tables for a document")
    parser.add_argument("--keep", action="store_true", help="keep logs and databases of a good run, too")
    parser.add_argument("--sabotage", choices=sorted(STEPS), help="spoil one step of the product, to see it found")
    return parser


if __name__ == "__main__":
    sys.exit(main())
