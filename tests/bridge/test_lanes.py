"""Each reader's lane: one at a time, nothing blocks, and what is late is cleaned up after."""

import asyncio
import threading

import pytest

from reader_bridge.lanes import Lane, Lanes, TimedOut
from reader_bridge.readers.protocol import CardBusy


def test_work_is_done_in_the_readers_own_thread():
    async def scene() -> None:
        lane = Lane("one")
        await lane.enter(1)
        name = await lane.run(lambda: threading.current_thread().name, within=1)
        lane.leave()
        lane.close()
        assert name.startswith("reader one")

    asyncio.run(scene())


def test_two_lanes_work_at_the_same_time():
    async def scene() -> None:
        lanes, both = Lanes(), threading.Barrier(2, timeout=5)
        await lanes.of("one").enter(1)
        await lanes.of("two").enter(1)
        await asyncio.gather(*(lanes.of(name).run(both.wait, within=5) for name in ("one", "two")))
        lanes.close()

    asyncio.run(scene())


def test_a_lane_that_is_taken_is_busy_for_others():
    async def scene() -> None:
        lane = Lane("one")
        await lane.enter(1)
        with pytest.raises(CardBusy):
            await lane.enter(0.05)
        lane.leave()
        await lane.enter(0.05)
        lane.close()

    asyncio.run(scene())


@pytest.mark.parametrize("fails", [True, False])
def test_work_that_is_late_is_cleaned_up_after_and_only_then_is_the_lane_free(fails):
    async def scene() -> None:
        lane, released, cleaned = Lane("one"), threading.Event(), threading.Event()

        def stuck() -> None:
            released.wait(5)
            if fails:
                raise RuntimeError

        await lane.enter(1)
        with pytest.raises(TimedOut):
            await lane.run(stuck, within=0.05, too_late=cleaned.set)
        lane.leave()
        assert lane.is_stuck
        with pytest.raises(CardBusy):
            await lane.enter(0.05)
        assert not cleaned.is_set()
        released.set()
        await lane.enter(1)
        assert cleaned.is_set()
        assert not lane.is_stuck
        lane.close()

    asyncio.run(scene())


def test_work_in_time_is_not_cleaned_up_after():
    async def scene() -> None:
        lane, cleaned = Lane("one"), threading.Event()
        await lane.enter(1)
        assert await lane.run(lambda: 7, within=1, too_late=cleaned.set) == 7
        lane.leave()
        lane.close()
        assert not cleaned.is_set()

    asyncio.run(scene())
