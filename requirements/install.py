"""Install: `python requirements/install.py FILE...` installs what these files pin, by hash, and shows how far it is.

It needs nothing but pip, and asks the index that pip is set up for.
"""

import re
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))


def pinned(files: list[Path]) -> int:
    """How many packages these files pin; some of them for other platforms."""
    names = [re.findall(r"^([\w.-]+)(?:\[.*\])?==", file.read_text(), re.MULTILINE) for file in files]
    return len({name for file_names in names for name in file_names})


class Progress:
    """One line on a terminal, rewritten; elsewhere a dot per package."""

    def __init__(self, total: int) -> None:
        self.total, self.fetched, self._over = total, 0, threading.Event()
        self._before, self._shown = self._installed(), ""

    def fetch(self) -> None:
        self.fetched += 1
        self._show(f"fetching {self.fetched} of {self.total} packages")

    def unpack(self) -> None:
        """Until `end`, count what pip has unpacked: it says nothing meanwhile."""
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        print(flush=True)

    def _count(self) -> None:
        while not self._over.wait(0.3):
            self._show(f"unpacking {self._installed() - self._before} of {self.fetched} packages")

    def _installed(self) -> int:
        return len(list(SITE.glob("*.dist-info")))

    def _show(self, text: str) -> None:
        if text != self._shown:
            print(f"\r{text:<40}" if sys.stdout.isatty() else ".", end="", flush=True)
        self._shown = text


def main(files: list[Path]) -> int:
    words = ["install", "--require-hashes", "--progress-bar", "off", *(f"--requirement={file}" for file in files)]
    progress = Progress(pinned(files))
    with subprocess.Popen([sys.executable, "-m", "pip", *words], stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout
        for line in pip.stdout:
            if line.startswith("Collecting "):
                progress.fetch()
            elif line.startswith("Installing "):
                progress.unpack()
    progress.end()
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(list(map(Path, sys.argv[1:]))))
