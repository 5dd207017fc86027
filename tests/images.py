"""`make images`: pin every image that is not ours by the digest that its tag has now, as `name:tag@sha256:…`.

The tag stays for people and for docs/versions.md; engines go by the digest, which is that of all platforms together.
Docker's buildx asks the registry.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.processes import ROOT

IMAGE = re.compile(r"^(\s*(?:image:|FROM) +)((?!seven-ingest)[\w./:-]+:[\w.-]+)(@sha256:[0-9a-f]{64})?", re.MULTILINE)


def files() -> list[Path]:
    """Whatever names an image."""
    deploy = ROOT / "deploy"
    manifests = [*deploy.glob("*.yml"), *deploy.glob("kubernetes/**/*.yaml")]
    return [ROOT / "docker-compose.yml", *sorted(deploy.rglob("Dockerfile")), *sorted(manifests)]


def images(text: str) -> dict[str, str]:
    """The digest of each image in a file, by name and tag; an empty text where it is not pinned."""
    return {image: digest.removeprefix("@") for _, image, digest in IMAGE.findall(text)}


def pinned(text: str, digest: Callable[[str], str]) -> str:
    """The file with each of its images pinned."""
    return IMAGE.sub(lambda match: f"{match[1]}{match[2]}@{digest(match[2])}", text)


@cache
def resolve(image: str) -> str:
    """The digest that the registry has for a tag now. Ends the program where the registry does not say."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", image]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{image}: {answer.stderr.strip()}; nothing was changed")
    return str(json.loads(answer.stdout)["digest"])


def main() -> None:
    """Resolve all, then write all."""
    if not shutil.which("docker"):
        sys.exit("docker with buildx is needed: it asks the registries")
    new = {file: pinned(file.read_text(), resolve) for file in files()}
    for file, text in new.items():
        if text != file.read_text():
            file.write_text(text)
            print(f"pinned {', '.join(images(text))} in {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
