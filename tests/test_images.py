"""Images of others are named in one way, and pinned by digest in all files or in none."""

from tests.images import files, images, pinned

DIGEST = "sha256:" + "ab" * 32


def test_every_image_is_found():
    """Those of compose file, Dockerfiles and manifests; never one of ours."""
    named = {image for file in files() for image in images(file.read_text())}

    assert {image.partition(":")[0] for image in named} == {"redis", "postgres", "python", "debian", "prom/prometheus"}


def test_an_image_has_one_digest():
    """Where a file pins an image, every file pins it, and to the same bytes."""
    digests: dict[str, set[str]] = {}
    for file in files():
        for image, digest in images(file.read_text()).items():
            digests.setdefault(image, set()).add(digest)

    assert {image: len(each) for image, each in digests.items()} == dict.fromkeys(digests, 1)


def test_pinning_keeps_all_else():
    """The tag stays, a later run renews the digest, and what is ours is left alone."""
    text = "FROM python:3.13-slim AS build\n    image: redis:8 # a comment\n  image: seven-ingest:local\n"
    expected = f"FROM python:3.13-slim@{DIGEST} AS build\n    image: redis:8@{DIGEST} # a comment\n  image: seven-ingest:local\n"

    assert pinned(text, lambda image: "sha256:" + "0" * 64) != expected
    assert pinned(pinned(text, lambda image: "sha256:" + "0" * 64), lambda image: DIGEST) == expected
