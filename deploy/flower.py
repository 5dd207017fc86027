"""Flower's configuration in a container: password-protected, read-only, with persistent state."""

import os
import sys
from pathlib import Path

from runtime.settings.types import check_logins

logins = Path(os.environ["FLOWER_BASIC_AUTH_FILE"]).read_text("utf-8").strip()
try:
    check_logins(logins)
except ValueError as error:
    sys.stderr.write(f"configuration: FLOWER_BASIC_AUTH: {error}: without it, Flower admits anyone\n")
    sys.exit(2)

basic_auth = logins.split(",")

read_only = True
address = ""  # every one of the container's, of IPv4 and of IPv6; the proxy alone is published
port = 5555
persistent = True
db = "/var/lib/flower/flower"
state_save_interval = 10_000  # ms: a kill -9 loses at most ten seconds of task history
purge_offline_workers = 86_400  # s: yesterday's containers and their workers no longer exist
max_tasks = 20_000
tasks_columns = "name,args,state,received,runtime,worker,uuid"  # args: the number of batches, and the first of them
