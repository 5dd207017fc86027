"""Paging reads every row of a list that shifts, and takes no list that cannot be read for one that ended."""

import random
from collections.abc import Callable

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from gateway.api import GatewayUnexpected
from gateway.journal_pages import LIMIT, Paging, Place
from tests.extent import examples

MOST = 15
Fetch = Callable[[int], list[str]]


def read_all(fetch: Fetch) -> list[str]:
    """The ids of a list, in the order in which they are first read."""
    paging, ids = Paging(), list[str]()
    while not paging.ended:
        page = fetch(paging.offset)
        fresh = paging.fresh(page)
        ids += [id_ for id_ in page if id_ in fresh]
        paging.add(page, len(page))
    return ids


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 90, 99, 100, 101, 189, 190, 191, 1000])
@pytest.mark.parametrize("limit", [LIMIT, 50, 4])
def test_a_list_is_read_to_its_end(size: int, limit: int):
    """Each row once, also from a gateway whose pages are shorter than it promises."""
    ids = [str(number) for number in range(size, 0, -1)]
    assert read_all(lambda offset: ids[offset : offset + limit]) == ids


@examples(200, 5000)
@given(seed=st.integers(0, 10**9))
def test_rows_that_shift_are_not_missed(seed: int):
    """Rows come and go between two requests, some pages' worth at once: what was there all the time is read.

    Where they come and go without an end, the list may be given up, but never for one that was read.
    """
    chance, lasting, serial = random.Random(seed), range(10_000, 10_700), iter(range(20_000, 90_000))
    passing: set[int] = set()

    def fetch(offset: int) -> list[str]:
        ids = [str(number) for number in sorted({*lasting, *passing}, reverse=True)]
        passing.update(next(serial) for _ in range(chance.choice((0, 0, 1, 5, 40, 150))))
        passing.difference_update(chance.sample(sorted(passing), min(len(passing), chance.choice((0, 0, 1, 40, 150)))))
        return ids[offset : offset + LIMIT]

    try:
        ids = read_all(fetch)
    except GatewayUnexpected:
        event("given up")
    else:
        assert set(map(str, lasting)) <= set(ids)


@examples(50, 500)
@given(seed=st.integers(0, 10**9))
def test_an_interrupted_reading_goes_on(seed: int):
    """Wherever it was interrupted, three times, and whatever was added above or removed meanwhile: no lasting row is missed."""
    chance, lasting = random.Random(seed), range(10_000, 10_000 + random.Random(seed).choice((50, 700, 2_000)))
    passing: set[int] = set()
    seen, place, requests = set[str](), Place(), [0]

    def read(paging: Paging, pages: int) -> Place:
        """Read so many pages at most; returns the place of the last one, which counts as not read."""
        ids = [str(number) for number in sorted({*lasting, *passing}, reverse=True)]
        for _ in range(pages):
            if paging.ended:
                break
            requests[0] += 1
            page = ids[paging.offset : paging.offset + LIMIT]
            at = paging.place
            paging.add(page, len(page))
            if pages == MOST and chance.random() < 0.1:  # while it handles the page
                return at
            seen.update(page)
        return paging.place

    for _ in range(3):
        place = read(Paging(place), MOST)
        passing.update(range(20_000 + len(passing), 20_000 + len(passing) + chance.choice((0, 1, 90, 1_000))))
        passing.difference_update(chance.sample(sorted(passing), min(len(passing), chance.choice((0, 0, 40)))))
    try:
        read(Paging(place), 1_000)
    except GatewayUnexpected:
        event("given up")
    else:
        assert set(map(str, lasting)) <= seen
    assert requests[0] < 500


def test_a_short_page_is_no_end():
    """A page may lack rows that the gateway could not read; only a page without anything new ends the list."""
    ids = [str(number) for number in range(1000, 0, -1)]
    assert read_all(lambda offset: ids[offset : offset + (97 if offset == 90 else LIMIT)]) == ids


def test_a_list_that_never_settles_is_no_list():
    """Pages that have nothing in common, whatever is asked for, end with a failure instead of a guess."""
    serial = iter(range(1, 10**9))
    with pytest.raises(GatewayUnexpected, match="changes faster"):
        read_all(lambda _offset: [str(next(serial)) for _ in range(LIMIT)])


@pytest.mark.parametrize("size", [LIMIT, 50])
def test_a_gateway_that_ignores_the_offset_is_noticed(size: int):
    """A full page that comes again and again is no end; a short one is the whole list."""
    page = [str(number) for number in range(size)]
    if size < LIMIT:
        assert read_all(lambda _offset: page) == page
    else:
        with pytest.raises(GatewayUnexpected, match="same page again"):
            read_all(lambda _offset: page)


def test_a_long_list_takes_one_request_for_ninety_rows():
    ids = [str(number) for number in range(20_000, 0, -1)]
    requests: list[int] = []

    def fetch(offset: int) -> list[str]:
        requests.append(offset)
        return ids[offset : offset + LIMIT]

    assert read_all(fetch) == ids
    assert len(requests) == -(-(len(ids) - 10) // 90) + 1  # the last shows that there is no more
