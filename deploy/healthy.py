"""Healthy: whether a process answers `http://127.0.0.1:{port}{path}` with 200; exit code 1 and its words if not."""

import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}", timeout=3) as answer:
        sys.stdout.write(answer.read(500).decode("ascii", "replace"))
except urllib.error.HTTPError as answer:
    sys.exit(answer.read(500).decode("ascii", "replace"))
except OSError as error:
    sys.exit(f"no answer: {error}")
