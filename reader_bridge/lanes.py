"""One lane for each reader: a thread that does its card work, and whose turn it is.

Two readers work in parallel, one card does one thing at a time, and nothing blocks the event loop.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from reader_bridge.readers.protocol import CardBusy

T = TypeVar("T")


class TimedOut(Exception):
    """The card work did not end in time. It may still be going on, and may have been done."""


class Lane:
    """The way to the card in one reader. Used from the event loop only."""

    def __init__(self, name: str) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"reader {name}")
        self._turn = asyncio.Lock()
        self._stuck: asyncio.Future[Any] | None = None

    async def enter(self, patience: float) -> None:
        """Wait for the lane to be free, and take it.

        Raises:
            CardBusy: it was not free within ``patience`` seconds.
        """
        try:
            async with asyncio.timeout(patience):
                await self._turn.acquire()
        except TimeoutError:
            raise CardBusy from None

    def leave(self) -> None:
        """Let others in; where work is stuck in the thread, only when that has ended."""
        if self._stuck is not None and not self._stuck.done():
            self._stuck.add_done_callback(lambda _: self._turn.release())
        else:
            self._turn.release()

    async def run(
        self,
        work: Callable[[], T],
        *,
        within: float,
        too_late: Callable[[], None] = lambda: None,
    ) -> T:
        """Do ``work`` in the reader's thread. The lane must have been taken.

        Args:
            within: seconds.
            too_late: what to do, in the thread, after work that nobody waits for any longer.

        Raises:
            TimedOut: it was not done in time, and goes on alone.
        """
        job = _Job(work, too_late)
        loop = asyncio.get_running_loop()
        future = asyncio.ensure_future(loop.run_in_executor(self._worker, job))
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(future)
        except (TimeoutError, asyncio.CancelledError) as error:
            self._stuck = future
            future.add_done_callback(_forget)
            if not job.abandon() and isinstance(error, TimeoutError):
                return await future  # it ended in this very moment
            if isinstance(error, TimeoutError):
                raise TimedOut from None
            raise

    @property
    def is_stuck(self) -> bool:
        """Whether work that nobody waits for is still going on in the thread."""
        return self._stuck is not None and not self._stuck.done()

    def close(self) -> None:
        """End the thread, without waiting for work that is stuck."""
        self._worker.shutdown(wait=False, cancel_futures=True)


class _Job(Generic[T]):
    """Work that either somebody waits for to the end, or ``too_late`` follows. Never both."""

    def __init__(self, work: Callable[[], T], too_late: Callable[[], None]) -> None:
        self._work = work
        self._too_late = too_late
        self._lock = threading.Lock()
        self._abandoned = False
        self._done = False

    def __call__(self) -> T:
        try:
            return self._work()
        finally:
            with self._lock:
                self._done = True
                abandoned = self._abandoned
            if abandoned:
                self._too_late()

    def abandon(self) -> bool:
        """Nobody waits any longer. False when the work has ended already."""
        with self._lock:
            self._abandoned = not self._done
            return self._abandoned


def _forget(future: asyncio.Future[T]) -> None:
    """Take the result of work that nobody waits for, so that it is not reported as lost."""
    if not future.cancelled():
        future.exception()


class Lanes:
    """The lanes of all readers, by name; made when first needed."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def of(self, reader: str) -> Lane:
        return self._lanes.setdefault(reader, Lane(reader))

    @property
    def any_stuck(self) -> bool:
        return any(lane.is_stuck for lane in self._lanes.values())

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
