"""`make fuzz`: these tests over and over with other numbers, until the time is over or one of them fails.

What fails is shown with the smallest input that does it. Make that a sample: an `@example`, or a case in
`tests/deliveries/`.
"""

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Returns pytest's exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Random and broken input for what reads it.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, help="of the first round; a round that failed tells its own")
    told = parser.parse_args()
    until = time.monotonic() + 60 * told.minutes
    seed = random.randrange(10**9) if told.seed is None else told.seed
    rounds = 0
    while time.monotonic() < until:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/fuzz", "-x", "-q", "--no-header", "--hypothesis-profile=fuzz",
             f"--hypothesis-seed={seed}", "--numprocesses=2"],
            cwd=ROOT, check=False, timeout=max(60.0, until - time.monotonic() + 600),
        )  # fmt: skip
        if ended.returncode:
            print(f'failed; again: make fuzz ARGS="--seed {seed}"', flush=True)
            return ended.returncode
        rounds += 1
        print(f"round {rounds}, seed {seed}; {max(0.0, until - time.monotonic()) / 60:.1f} minutes left", flush=True)
        seed = random.randrange(10**9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
