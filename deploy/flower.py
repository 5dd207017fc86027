"""Flower's settings in a container: behind a password, only to look, and remembering what it has seen."""

import os
import sys
from pathlib import Path

basic_auth = Path(os.environ["FLOWER_BASIC_AUTH_FILE"]).read_text("utf-8").strip().split(",")
if not all(":" in one for one in basic_auth):
    sys.stderr.write("configuration: FLOWER_BASIC_AUTH: name:password is needed: without, Flower lets everybody in\n")
    sys.exit(2)

read_only = True
address = "0.0.0.0"  # noqa: S104 - the container's; the proxy alone is published
port = 5555
persistent = True
db = "/var/lib/flower/flower"
state_save_interval = 10_000  # ms: a kill -9 costs ten seconds of what it has seen
purge_offline_workers = 86_400  # s: a worker of yesterday's container is nobody any more
max_tasks = 20_000
tasks_columns = "name,args,state,received,runtime,worker,uuid"  # args: how many batches, and the first of them
