"""Hooks: a plan names each difference, and carrying it out leads to the desired hooks."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.hooks import Addresses, Hook, Plan, plan
from tests.extent import examples

OURS = Addresses(("https://x.example/in", "https://old.example"), ("current-token", "older-token"))
HERE = OURS.current("all")


def hook(**changes: object) -> Hook:
    return Hook(**{"target_url": HERE, "event_type": "all", "id": "1"} | changes)  # type: ignore[arg-type]


DESIRED = [hook(id=None)]


def counts(result: Plan) -> dict[str, int]:
    names = ("missing", "drifted", "surplus", "overlapping", "strangers")
    return {name: len(getattr(result, name)) for name in names if getattr(result, name)}


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        pytest.param([], {"missing": 1}, id="nothing registered"),
        pytest.param([hook()], {}, id="as desired"),
        pytest.param([hook(request_method="POST")], {"drifted": 1}, id="another method"),
        pytest.param([hook(enabled=False)], {"drifted": 1}, id="disabled"),
        pytest.param([hook(event_filter="49")], {"drifted": 1}, id="an undesired filter"),
        pytest.param([hook(headers="x-a: 1")], {"drifted": 1}, id="an undesired header"),
        pytest.param([hook(headers="")], {}, id="headers listed as empty"),
        pytest.param([hook(), hook(id="2")], {"surplus": 1}, id="a duplicate"),
        pytest.param([hook(enabled=False), hook(id="2")], {"surplus": 1}, id="a disabled duplicate"),
        pytest.param([hook(), hook(id="2", target_url=HERE + "/dlr", event_type="dlr")], {"surplus": 1}, id="a type no longer wanted"),
        pytest.param([hook(), hook(id="2", event_type="sms.mo")], {"surplus": 1}, id="an unknown type"),
        pytest.param([hook(target_url="https://x.example/in/hooks/older-token")], {"missing": 1, "surplus": 1}, id="an older token"),
        pytest.param([hook(target_url="https://old.example/hooks/current-token")], {"missing": 1, "surplus": 1}, id="an older address"),
        pytest.param([hook(), hook(target_url="https://x.example/hooks/current-token")], {"strangers": 1}, id="beside our prefix"),
        pytest.param([hook(), hook(target_url="https://x.example/in/staging/hooks/current-token")], {"strangers": 1}, id="below our prefix"),
        pytest.param([hook(), hook(target_url=HERE + "x")], {"strangers": 1}, id="a longer token"),
        pytest.param([hook(), hook(target_url=HERE + "/")], {"strangers": 1}, id="a trailing slash"),
        pytest.param([hook(), hook(target_url=HERE + "/dlr/x")], {"strangers": 1}, id="a longer path"),
        pytest.param([hook(), hook(target_url=HERE + "?a=1")], {"strangers": 1}, id="a query"),
        pytest.param([hook(), hook(target_url="https://x.example/in/hooks/unlisted")], {"strangers": 1}, id="an unlisted token"),
        pytest.param([hook(), hook(target_url="")], {"strangers": 1}, id="no address at all"),
    ],
)  # fmt: skip
def test_a_plan_names_each_difference(actual: list[Hook], expected: dict[str, int]):
    """Each kind of difference has its name; a hook with any other address than ours is a stranger."""
    assert counts(plan(DESIRED, actual, OURS)) == expected


def test_a_removed_header_is_drift():
    """Where the gateway lists headers at all, a hook without any has lost its own."""
    desired = [hook(id=None, headers="X-Shop: 7")]
    other = hook(id="2", target_url="https://other.example/", headers="a: 1")
    assert counts(plan(desired, [hook(), other], OURS)) == {"drifted": 1, "strangers": 1}
    assert counts(plan(desired, [hook()], OURS)) == {}


def test_differences_are_named():
    """A drifted hook names its differences."""
    (drift,) = plan(
        DESIRED, [hook(request_method="GET", event_filter="1", headers="a: b", enabled=False)], OURS
    ).drifted
    assert drift.differences == ("request method", "filter", "header", "disabled")


def test_several_filters_are_several_hooks():
    """Each inbound number has its own hook, and the plan names the missing one."""
    address = OURS.current("sms_mo")
    desired = [
        hook(target_url=address, event_type="sms_mo", event_filter=number, id=None) for number in ("1", "2", "3")
    ]
    actual = [replace(desired[2], id="8"), replace(desired[0], id="9")]
    result = plan(desired, actual, OURS)
    assert counts(result) == {"missing": 1}
    assert result.missing[0].event_filter == "2"


def test_a_type_beside_all_overlaps():
    """A hook of type `all` beside one of a single type: each such event arrives twice."""
    desired = [*DESIRED, hook(target_url=OURS.current("dlr"), event_type="dlr", id=None)]
    assert counts(plan(desired, [replace(hook, id=str(n)) for n, hook in enumerate(desired)], OURS)) == {
        "overlapping": 1
    }


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        pytest.param({"id": 23, "enabled": "true", "target_url": HERE, "event_type": "all", "request_method": "json", "event_filter": ""}, hook(id="23"), id="other types"),
        pytest.param({"id": "1", "target_url": HERE, "event_type": "all", "request_method": "JSON", "event_filter": None, "created": "2020-11-04 13:49:16"}, hook(), id="as in the oldest sample"),
        pytest.param({"enabled": "false"}, Hook("", "", "POST", enabled=False), id="nearly nothing"),
        pytest.param({"enabled": 0, "event_filter": 4915126716517, "headers": "B: 2\nA:1"}, Hook("", "", "POST", "4915126716517", "a: 1\nb: 2", enabled=False), id="numbers"),
    ],
)  # fmt: skip
def test_hooks_are_parsed_as_listed(listed: dict[str, object], expected: Hook):
    """A hook is parsed with ids as numbers or text, booleans as text, and missing keys."""
    assert Hook.parse(listed) == expected


def test_secrets_are_not_shown():
    """The repr of hooks, addresses and plans contains no token."""
    assert "current-token" not in repr(hook()) + repr(OURS) + repr(plan(DESIRED, [hook(), hook(id="2")], OURS))


TYPES = ["all", "dlr", "sms_mo"]
URLS = [*(f"{base}/hooks/{token}{end}" for base in OURS.public_urls for token in OURS.tokens for end in ("", "/dlr", "/sms_mo")), "https://x.example/other"]  # fmt: skip


def actual_hooks() -> st.SearchStrategy[list[Hook]]:
    hooks = st.builds(
        Hook,
        target_url=st.sampled_from(URLS),
        event_type=st.sampled_from([*TYPES, "sms.mo"]),
        request_method=st.sampled_from(["JSON", "POST"]),
        event_filter=st.sampled_from([None, "1", "2"]),
        headers=st.sampled_from([None, "", "a: 1"]),
        enabled=st.booleans(),
    )
    return st.lists(hooks, max_size=10).map(lambda drawn: [replace(hook, id=str(n)) for n, hook in enumerate(drawn)])


def desired_hooks() -> st.SearchStrategy[list[Hook]]:
    hooks = st.builds(
        lambda event_type, method, event_filter, headers: Hook(
            OURS.current(event_type), event_type, method, event_filter, headers
        ),
        st.sampled_from(TYPES),
        st.sampled_from(["JSON", "POST"]),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from(["", "a: 1"]),
    )
    return st.lists(hooks, max_size=4, unique_by=lambda hook: (hook.target_url, hook.event_filter))


def follow(result: Plan, actual: Sequence[Hook]) -> list[Hook]:
    """The gateway's hooks after a plan: it creates first, then removes."""
    created = [replace(hook, id=f"new-{n}") for n, hook in enumerate(result.to_create)]
    removed = {hook.id for hook in result.to_remove}
    return [hook for hook in (*actual, *created) if hook.id not in removed]


@examples(100, 300)
@given(desired=desired_hooks(), actual=actual_hooks())
def test_carrying_out_a_plan_leads_to_the_desired_hooks(desired: list[Hook], actual: list[Hook]):
    """Afterwards exactly the desired hooks exist, strangers are untouched, and a new plan is empty."""
    result = plan(desired, actual, OURS)
    after = follow(result, actual)
    again = plan(desired, after, OURS)
    assert (again.drift, len(again.matching)) == (0, len(desired))
    assert again.strangers == result.strangers
    assert len(after) == len(desired) + len(result.strangers)


@pytest.mark.parametrize(
    ("wanted", "name", "path"),
    [
        pytest.param("sms_mo", "sms.mo", "sms_mo", id="the vendor's typo"),
        pytest.param("sms_mo", "sms.mo", "sms.mo", id="the vendor's typo, in the address, too"),
        pytest.param("voice_status", "Voice.Status", "voice_status", id="another typo"),
        pytest.param("rcs", "rcs_mo", "rcs_mo", id="an older name"),
    ],
)
def test_a_hook_under_another_name_of_its_event_type_is_ours(wanted: str, name: str, path: str):
    """It is as desired: neither removed nor created once more."""
    addresses = Addresses(("https://hooks.example",), ("a" * 32,))
    desired = [Hook(addresses.current(wanted), wanted)]
    url = f"https://hooks.example/hooks/{'a' * 32}/{path}"
    listed = Hook.parse({"id": 1, "target_url": url, "event_type": name, "request_method": "JSON"})

    assert plan(desired, [listed], addresses).drift == 0


def test_hooks_under_different_names_of_one_event_type_all_stay():
    """What they are for may differ at the gateway; two under one name are repeats."""
    addresses = Addresses(("https://hooks.example",), ("a" * 32,))
    desired = [Hook(addresses.current("rcs"), "rcs")]
    hooks = [
        Hook.parse({"id": n, "target_url": addresses.current("rcs"), "event_type": name, "request_method": "JSON"})
        for n, name in enumerate(("rcs_mo", "rcs_dlr", "rcs", "rcs"))
    ]

    planned = plan(desired, hooks, addresses)

    assert [hook.id for hook in planned.surplus] == ["3"]
    assert not planned.missing
