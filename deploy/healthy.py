"""Health check: exit code 0 when `http://127.0.0.1:{port}{path}` answers 200; otherwise 1, with the answer."""

import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}", timeout=3) as answer:
        sys.stdout.write(answer.read(500).decode("ascii", "replace"))
except urllib.error.HTTPError as error:
    sys.exit(error.read(500).decode("ascii", "replace"))
except OSError as error:
    sys.exit(f"no answer: {error}")
