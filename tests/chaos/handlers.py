"""A user's handler, as the `function` of `tests.chaos.subscribers` calls it: it is copied beside the reactions' file."""

import json
import os
from pathlib import Path

from reactions import Change

RECEIVED = Path(__file__).with_name("function.jsonl")


def receive(change: Change) -> None:
    """Write the change to a file, in one piece: several processes may do so at a time."""
    line = json.dumps(change.model_dump(mode="json")) + "\n"
    file = os.open(RECEIVED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
