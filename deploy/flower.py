"""Flower's settings in a container: behind a password, only to look, and remembering what it has seen."""

from pathlib import Path

# The setup container has made sure that there is one: without a password Flower would let everybody in.
basic_auth = Path("/run/secrets/flower_basic_auth").read_text("utf-8").split(",")
read_only = True
address = "0.0.0.0"  # noqa: S104 - the container's; the proxy alone is published
port = 5555
persistent = True
db = "/var/lib/flower/flower"
state_save_interval = 10_000  # ms: a kill -9 costs ten seconds of what it has seen
purge_offline_workers = 86_400  # s: a worker of yesterday's container is nobody any more
max_tasks = 20_000
