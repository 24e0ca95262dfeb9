"""One page's conversation with one card: whose turn it is, and what is kept between its steps.

No sockets here, and no messages: tickets in, results out. A step out of turn is refused and changes
nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from reader_bridge import operations, reading, turns
from reader_bridge.around import Around
from reader_bridge.contract import Command, Hold, Outcome, Stage
from reader_bridge.errors import CardChanged, OutOfTurn, PasscodeNeeded, WorkFailed
from reader_bridge.lanes import TimedOut
from reader_bridge.open_card import OpenCard
from reader_bridge.operations import Bench, Result
from reader_bridge.piv.errors import CardRemoved
from reader_bridge.readers.protocol import CardBusy, NoCard, Reader
from reader_bridge.secret import Secret, newer
from reader_bridge.statements import Statements
from reader_bridge.tickets import Ticket
from reader_bridge.turns import MAY_READ, Move, Turn

log = logging.getLogger(__name__)

T = TypeVar("T")


class Conversation:
    """With the card of one insertion, over one connection. Used from the event loop only."""

    def __init__(
        self,
        around: Around,
        reader: Reader,
        seat: str,
        *,
        statements: Statements,
        unseal: Callable[[object], bytes],
    ) -> None:
        self._around = around
        self._reader = reader
        self._seat = seat
        self._statements = statements
        self._unseal = unseal
        self._lane = around.lanes.of(reader.name)
        self._limits = around.settings.limits
        self.turn = Turn.FREE
        self.touched = False  # whether the last step reached the card
        self.outcome = Outcome.NONE  # whether the last step may have changed it
        self._op: str | None = None
        self._passcode: Secret | None = None
        self._new_passcode: Secret | None = None
        self._open: OpenCard | None = None
        self._ends = 0.0  # when what is kept is given up, on the bridge's clock
        self._waiting: asyncio.Task[None] | None = None
        self._given_up = False

    # Reading

    async def read(self) -> dict[str, Any]:
        """What the card says without a ticket; from memory when it has been read before.

        Raises:
            OutOfTurn: an operation has the card, and what it says is not remembered.
        """
        memory, seat = self._around.memory, self._seat
        known = memory.of(seat)
        if known and not known.tries_left_may_differ:
            return known.facts
        if self.turn not in MAY_READ:
            raise OutOfTurn
        await self._enter()
        try:
            known = memory.of(seat)  # another page may have read it meanwhile
            if known and not known.tries_left_may_differ:
                return known.facts
            opened = await self._take()
            facts = await self._do(
                opened,
                lambda: (
                    {**known.facts, "passcode_left": reading.tries_left(opened)}
                    if known
                    else self._read(opened)
                ),
                within=self._limits.step,
            )
            if self._around.board.seat_of(self._reader.name) != seat:
                raise CardChanged
            memory.keep(seat, facts)
            return facts
        finally:
            self._lane.leave()

    def _read(self, opened: OpenCard) -> dict[str, Any]:
        return reading.read(
            opened,
            reader=self._reader.name,
            seat=self._seat,
            in_virtual_reader=self._reader.virtual,
        )

    # Steps

    async def step(
        self,
        ticket: Ticket,
        *,
        passcode: Secret | None,
        new_passcode: Secret | None,
        progress: Callable[[Stage], None],
    ) -> list[Result]:
        """Do the work of a ticket and return one result for each item of it.

        Raises:
            OutOfTurn: it does not fit what is going on; nothing has changed.
            PasscodeNeeded, PasscodeRefused: before the card was touched.
            WorkFailed: a command failed; see its cause.
            CardBusy, CardChanged, CardRemoved, TimedOut and what taking the card can raise.
        """
        self.touched, self.outcome = False, Outcome.NONE
        move = turns.move(self.turn, self._op, ticket)
        self._stop_waiting()
        before, self.turn = self.turn, Turn.WORKING
        bench = Bench(self._statements, self._unseal, progress, passcode, new_passcode)
        try:
            if move is Move.BESIDE:
                return await self._work_alone(ticket, bench)
            return await self._work_and_hold(move, ticket, bench)
        except WorkFailed as error:
            if move is not Move.BESIDE and ticket.hold is not Hold.NOTHING:
                await self._stop(error, bench)
            raise
        finally:
            if move is Move.BESIDE:
                self.turn = before
                bench.wipe()
                if self._given_up:
                    await self._release()
                else:
                    self._wait_for_next_step()
            elif self.turn is Turn.WORKING:  # nothing is to be kept, or it failed
                bench.wipe()
                await self._release()

    async def _work_alone(self, ticket: Ticket, bench: Bench) -> list[Result]:
        await self._enter()
        try:
            opened = await self._take()
            return await self._perform(opened, ticket, bench, keep=False)
        finally:
            self._lane.leave()

    async def _work_and_hold(self, move: Move, ticket: Ticket, bench: Bench) -> list[Result]:
        if move is Move.BEGIN:
            self._forget_passcodes()
            self._ends = self._around.clock() + self._limits.hold_total
        if move is not Move.GO_ON:
            await self._let_go()
        self._op = ticket.op
        # The bench has them until the step has ended: kept by nobody else, and wiped with it.
        bench.passcode = newer(bench.passcode, self._passcode)
        bench.new_passcode = newer(bench.new_passcode, self._new_passcode)
        self._passcode = self._new_passcode = None
        _check_passcodes(ticket, bench)
        if self._open is None:
            await self._enter()
            try:
                self._open = await self._take()
            finally:
                if self._open is None:
                    self._lane.leave()
            results = await self._perform(self._open, ticket, bench, keep=True)
        else:
            self.touched = True
            results = await self._perform(self._open, ticket, bench, keep=True, select=False)
        await self._keep(ticket.hold, bench)
        return results

    async def _perform(
        self, opened: OpenCard, ticket: Ticket, bench: Bench, *, keep: bool, select: bool = True
    ) -> list[Result]:
        keys = sum(work.command is Command.GENERATE_KEY for work in ticket.work)
        within = self._limits.step + keys * self._limits.key_generation
        opened.watched.begin_step()

        def work() -> list[Result]:
            bench.progress(Stage.CHECKING_CARD)
            if ticket.only_proves_presence:
                opened.guid = ticket.card  # not asked again: the card stays as others have it
            elif select:
                opened.select()
                opened.must_be(ticket.card)
            return operations.perform(ticket.work, opened, bench)

        try:
            return await self._do(opened, work, within=within, keep=keep)
        finally:
            self.outcome = opened.watched.outcome
            if self.outcome is not Outcome.NONE:
                self._around.memory.forget(self._seat)
            elif opened.watched.secret_sent:
                self._around.memory.passcode_was_sent(self._seat)

    # The card

    async def _enter(self) -> None:
        """Take the reader's lane, and make sure that it is still our card that is in it."""
        try:
            await self._lane.enter(self._limits.busy)
        except CardBusy:
            self._around.board.card_busy(self._reader.name)
            raise
        now = self._around.board.seat_of(self._reader.name)
        if now != self._seat:
            self._lane.leave()
            raise CardRemoved if now is None else CardChanged

    async def _take(self) -> OpenCard:
        taken: list[OpenCard] = []

        def too_late() -> None:
            for opened in taken:
                opened.let_go()

        def take() -> OpenCard:
            taken.append(OpenCard.take(self._reader))
            return taken[0]

        try:
            opened = await self._lane.run(take, within=self._limits.busy, too_late=too_late)
        except NoCard:
            raise CardRemoved from None  # there was one a moment ago
        except (TimedOut, CardBusy):
            self._around.board.card_busy(self._reader.name)
            raise CardBusy from None
        self.touched = True
        return opened

    async def _do(
        self,
        opened: OpenCard,
        work: Callable[[], T],
        *,
        within: float,
        keep: bool = False,
    ) -> T:
        """Do something with a card that was taken, and let go of it unless it is to be kept."""
        if keep:
            run = work
        else:

            def run() -> T:
                try:
                    return work()
                finally:
                    opened.let_go()

        try:
            return await self._lane.run(run, within=within, too_late=opened.let_go)
        except TimedOut:
            log.warning("the card in %s did not answer in time", self._reader.name)
            raise

    # What is kept between steps

    async def _keep(self, hold: Hold, bench: Bench) -> None:
        over = self._given_up or self._around.clock() >= self._ends
        if hold is Hold.NOTHING or over:
            return
        if hold is Hold.PASSCODE:
            await self._let_go()
        self._keep_passcodes(bench)
        self.turn = Turn.HOLDING_CARD if self._open else Turn.HOLDING_PASSCODE
        self._wait_for_next_step()

    async def _stop(self, error: WorkFailed, bench: Bench) -> None:
        """The open session is over; what was typed may still serve to begin it anew."""
        await self._let_go()
        if self._given_up or not operations.leaves_passcodes_good(error):
            return
        self._keep_passcodes(bench)
        self.turn = Turn.STOPPED
        self._wait_for_next_step()

    def _keep_passcodes(self, bench: Bench) -> None:
        self._passcode, self._new_passcode = bench.passcode, bench.new_passcode
        bench.passcode = bench.new_passcode = None

    def _wait_for_next_step(self) -> None:
        if self._op is None:
            return
        until = self._ends
        if self.turn is not Turn.HOLDING_PASSCODE:
            until = min(until, self._around.clock() + self._limits.hold_wait)
        self._waiting = asyncio.create_task(self._wait(until))

    async def _wait(self, until: float) -> None:
        """Keep the transaction alive until the next step comes or time is up."""
        while (left := until - self._around.clock()) > 0:
            await asyncio.sleep(min(left, self._limits.keep_alive))
            if self._open is None:
                continue
            try:
                await self._lane.run(self._open.keep_alive, within=self._limits.busy)
            except Exception as error:
                log.info("the open card session is lost: %s", type(error).__name__)
                break
        self._waiting = None
        await self._release()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def give_up(self) -> None:
        """Cancelled, or the page has gone: keep nothing. A step that is going on ends by itself."""
        self._given_up = True
        if self.turn is not Turn.WORKING:
            self._stop_waiting()
            await self._release()
            self._given_up = False

    async def _release(self) -> None:
        self._forget_passcodes()
        await self._let_go()
        self._op = None
        self._given_up = False
        self.turn = Turn.FREE

    async def _let_go(self) -> None:
        opened, self._open = self._open, None
        if opened is None:
            return
        try:
            await self._lane.run(opened.let_go, within=self._limits.busy)
        except TimedOut:
            log.warning("the card in %s could not be let go of in time", self._reader.name)
        finally:
            self._lane.leave()

    def holds(self, secret: Secret) -> bool:
        """Whether this is a passcode that is kept for the next step."""
        return secret in (self._passcode, self._new_passcode)

    def _forget_passcodes(self) -> None:
        for secret in (self._passcode, self._new_passcode):
            if secret is not None:
                secret.wipe()
        self._passcode = self._new_passcode = None


def _check_passcodes(ticket: Ticket, bench: Bench) -> None:
    """Everything that can be known of the passcodes before the card is touched."""
    needs_current, needs_new = operations.needed_passcodes(ticket.work)
    if (needs_current and not bench.passcode) or (needs_new and not bench.new_passcode):
        raise PasscodeNeeded
    operations.check_new_passcode(ticket.work, bench)
