"""The order and the window of registrations in a run that PostHog's limits may delay."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from providers.posthog.registrations import AHEAD, Window, interleaved

Item = tuple[str, int]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Item], dict[Item, list[Item]]]:
    """Items of several limits, and what each has to come after: some that stand before it."""
    kinds = draw(st.lists(st.sampled_from("abc"), max_size=40))
    items = list(zip(kinds, range(len(kinds)), strict=True))
    first = {
        item: draw(st.lists(st.sampled_from(items[:number]), max_size=3)) if number else []
        for number, item in enumerate(items)
    }
    return items, first


@given(worlds())
def test_nothing_is_lost_and_nothing_comes_before_what_it_refers_to(
    world: tuple[list[Item], dict[Item, list[Item]]],
) -> None:
    items, first = world
    ordered = interleaved(items, lambda item: item[0], first.__getitem__)
    assert sorted(ordered) == sorted(items)
    for number, item in enumerate(ordered):
        assert set(first[item]) <= set(ordered[:number])


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_each_limit_is_used_in_equal_parts_and_in_the_order_that_was(kinds: list[str]) -> None:
    items = list(zip(kinds, range(len(kinds)), strict=True))
    ordered = interleaved(items, lambda item: item[0], lambda _: ())
    totals = Counter(kinds)
    for kind in totals:
        mine = [item for item in ordered if item[0] == kind]
        assert mine == sorted(mine)
    for number in range(len(ordered)):
        so_far = Counter(kind for kind, _ in ordered[:number])
        for kind, total in totals.items():
            assert abs(so_far[kind] - total * number / len(ordered)) <= len(totals)


def sent(count: int, blocked: set[int], failed: set[int]) -> list[int]:
    """Return which of so many registrations are sent while some wait for what they refer to, and some have failed."""

    async def run() -> list[int]:
        window, order = Window(), list[int]()
        given = [window.next(number) for number in range(count)]
        ended = asyncio.get_running_loop().create_future()
        ended.set_exception(ValueError("failed"))

        async def send(number: int) -> None:
            order.append(await given[number])

        tasks = [asyncio.ensure_future(send(number)) for number in range(count) if number not in blocked | failed]
        for number in failed:
            given[number].ends_with(ended)
        for _ in range(2 * count):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return order

    return asyncio.run(run())


def test_registrations_are_sent_in_order() -> None:
    assert sent(3 * AHEAD, set(), set()) == list(range(3 * AHEAD))


def test_one_that_waits_for_what_it_refers_to_is_not_left_behind() -> None:
    assert sent(3 * AHEAD, {5}, set()) == [number for number in range(5 + AHEAD) if number != 5]


def test_one_that_failed_holds_nobody_up() -> None:
    assert sent(3 * AHEAD, set(), {0, 7}) == [number for number in range(3 * AHEAD) if number not in (0, 7)]
