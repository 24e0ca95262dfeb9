"""One page's connection: messages in, messages out. No sockets here.

What is said goes through ``say``; what is asked is answered once, with the ``id`` it was asked
with. With each card it has a conversation of its own.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from reader_bridge import contract, desk, encoding
from reader_bridge.around import Around
from reader_bridge.contract import Code, Event, Say, Stage, Typ
from reader_bridge.conversation import Conversation
from reader_bridge.errors import CardChanged, OutOfTurn, SealBroken, UnknownRequest, describe
from reader_bridge.operations import Result
from reader_bridge.piv.errors import CardRemoved
from reader_bridge.readers.protocol import NoCard, NoReader, NoService
from reader_bridge.secret import Secret
from reader_bridge.statements import Statements
from reader_bridge.tickets import Ticket, TicketCheck, TicketRefused

log = logging.getLogger(__name__)

Message = dict[str, Any]

SEALING = ["ECDH-ES", "A256GCM"]
DONE = "done"  # the outcome in a receipt of a step that ended well
LONGEST_ID = 64


class Session:
    """Everything one connection may say and do. Used from the event loop only."""

    def __init__(self, around: Around, origin: str, say: Callable[[Message], None]) -> None:
        """
        Args:
            origin: of the page at the other end, as the door saw it.
            say: sends a message to the page; must not block.
        """
        self._around = around
        self._origin = origin
        self._say = say
        self.sid = encoding.to_text(secrets.token_bytes(32))
        self._sealing_key = OKPKey.generate_key("X25519")
        self._tickets = TicketCheck(
            keys=around.settings.keys, origin=origin, sid=self.sid, clock=around.clock
        )
        self._conversations: dict[str, Conversation] = {}
        self._unanswered = 0
        self._stop_listening: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Say hello, name the readers and cards that are there, and from now on every change."""
        self._say(
            {
                "event": Event.HELLO,
                "version": contract.VERSION,
                "hello": self._around.workstation.hello(
                    sid=self.sid,
                    ek=self.sealing_key,
                    origin=self._origin,
                    instance=self._around.instance,
                    capabilities=self._around.capabilities,
                ),
            }
        )
        self._stop_listening = self._around.board.listen(self._hear_from_any_thread)
        self._hear_from_any_thread({"event": Event.READY})

    @property
    def sealing_key(self) -> dict[str, Any]:
        """The public X25519 key of this connection."""
        public = self._sealing_key.as_dict(private=False)
        return {name: public[name] for name in ("kty", "crv", "x")}

    async def end(self) -> None:
        """The page has gone: keep nothing."""
        self._stop_listening()
        await asyncio.gather(*(each.give_up() for each in self._conversations.values()))

    # Events

    def _hear_from_any_thread(self, event: Message) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hear, event)

    def _hear(self, event: Message) -> None:
        if event["event"] == Event.CARD_REMOVED:
            gone = self._conversations.pop(event["seat"], None)
            if gone is not None:
                task = self._loop.create_task(gone.give_up())
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
        self._say(event)

    # Requests

    async def receive(self, request: Message) -> None:
        """Answer one request."""
        identifier = _identifier(request.get("id"))
        answer: Message = {"re": identifier}
        try:
            say = Say(str(request.get("command")))
        except ValueError:
            self._say({**answer, "error": {"code": Code.UNSUPPORTED}})
            return
        if say is not Say.CANCEL and self._unanswered >= self._around.settings.limits.requests:
            self._say({**answer, "error": {"code": Code.OUT_OF_TURN}})
            return
        self._unanswered += 1
        try:
            if say is Say.STEP:
                answer |= await self._step(request, identifier)
            else:
                answer["ok"] = await self._do(say, request)
        except Exception as error:
            answer["error"] = self._describe(say, error)
        finally:
            self._unanswered -= 1
        self._say(answer)

    async def _do(self, say: Say, request: Message) -> Message:
        if say is Say.READ_CARD:
            return await self._read_card(request)
        if say is Say.DESK:
            return desk.answer(self._around.desk, request)
        await asyncio.gather(*(each.give_up() for each in self._conversations.values()))
        return {}

    async def _read_card(self, request: Message) -> Message:
        name = request.get("reader")
        if not isinstance(name, str):
            raise UnknownRequest("reader")
        if self._around.board.reader(name) is None:
            raise NoService if self._around.board.unavailable else NoReader
        seat = self._around.board.seat_of(name)
        if seat is None:
            raise NoCard
        return await self._conversation(seat).read()

    async def _step(self, request: Message, identifier: str | int | None) -> Message:
        passcode, new_passcode = _secret(request, "passcode"), _secret(request, "new_passcode")
        try:
            ticket = self._tickets.accept(request.get("ticket"))
            self._check_card(ticket)
            conversation = self._conversation(ticket.seat)

            def progress(stage: Stage) -> None:
                message = {"re": identifier, "progress": {"stage": stage}}
                self._loop.call_soon_threadsafe(self._say, message)

            try:
                results = await conversation.step(
                    ticket, passcode=passcode, new_passcode=new_passcode, progress=progress
                )
            except OutOfTurn:
                raise
            except Exception as error:
                facts = self._describe(Say.STEP, error, conversation)
                answer: Message = {"error": facts}
                if conversation.touched or self._sees_busy_card(facts, ticket):
                    answer["receipt"] = self._receipt(ticket, facts, [])
                return answer
            receipt = self._receipt(ticket, {"code": DONE}, results)
            return {"ok": {"results": results, "receipt": receipt}}
        finally:
            for secret in (passcode, new_passcode):
                if secret is not None and not self._is_held(secret):
                    secret.wipe()

    def _is_held(self, secret: Secret) -> bool:
        return any(each.holds(secret) for each in self._conversations.values())

    def _sees_busy_card(self, facts: Message, ticket: Ticket) -> bool:
        """Whether the card is there, in another program's hands: the service waits for it."""
        return (
            facts["code"] == Code.CARD_BUSY
            and self._around.board.reader_at(ticket.seat) is not None
        )

    def _check_card(self, ticket: Ticket) -> None:
        """Make sure that the card a ticket is for is there, as far as that is known without it."""
        board = self._around.board
        if board.reader_at(ticket.seat) is None:
            reader = board.last_reader_of(ticket.seat)
            if reader is None:
                raise TicketRefused(Code.TICKET_OTHER_CARD, "unknown seat")
            raise CardRemoved if board.seat_of(reader) is None else CardChanged
        known = self._around.memory.of(ticket.seat)
        if known is not None and known.facts["guid"] != ticket.card:
            raise TicketRefused(Code.TICKET_OTHER_CARD, "another GUID")

    def _conversation(self, seat: str) -> Conversation:
        found = self._conversations.get(seat)
        if found is not None:
            return found
        reader = self._around.board.reader_at(seat)
        if reader is None:
            raise NoCard
        statements = Statements(
            origin=self._origin,
            seat=seat,
            instance=self._around.instance,
            wall_clock=self._around.wall_clock,
        )
        made = Conversation(self._around, reader, seat, statements=statements, unseal=self._unseal)
        self._conversations[seat] = made
        return made

    def _unseal(self, sealed: object) -> bytes:
        """Open what the server sealed for this connection (JWE, ECDH-ES on X25519, A256GCM).

        Raises:
            SealBroken: it was not sealed for this connection.
        """
        if not isinstance(sealed, str):
            raise SealBroken
        try:
            opened = jwe.decrypt_compact(sealed, self._sealing_key, algorithms=SEALING)
        except (JoseError, ValueError, TypeError):
            raise SealBroken from None
        if opened.plaintext is None:
            raise SealBroken
        return opened.plaintext

    def _receipt(self, ticket: Ticket, facts: Message, results: list[Result]) -> str:
        """What the bridge reports of a step, for the server to keep."""
        claims = {
            **{name: value for name, value in facts.items() if name != "code"},
            "aud": self._origin,
            "sid": self.sid,
            "op": ticket.op,
            "step": ticket.step,
            "jti": ticket.jti,
            "outcome": facts["code"],
            "facts": {name: value for name, value in facts.items() if name != "code"},
            "digest": encoding.digest(results),
        }
        return self._around.workstation.sign(Typ.RECEIPT, claims)

    def _describe(
        self, say: Say, error: Exception, conversation: Conversation | None = None
    ) -> Message:
        facts = describe(error, conversation.outcome) if conversation else describe(error)
        code = facts["code"]
        if code == Code.FAILED:
            # The kind of error only: its text may tell what was sent.
            log.error("%s: %s (%s)", say, code, _kinds(error))
        else:
            log.info("%s: %s", say, code)
        return facts


def _kinds(error: BaseException) -> str:
    """The names of an error and of its causes."""
    names = []
    seen: BaseException | None = error
    while seen is not None:
        names.append(type(seen).__name__)
        seen = seen.__cause__
    return " from ".join(names)


def _identifier(value: object) -> str | int | None:
    if isinstance(value, str) and len(value) <= LONGEST_ID:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return None


def _secret(request: Message, name: str) -> Secret | None:
    """Take a passcode out of a request, so that it is in no other place."""
    value = request.pop(name, None)
    return Secret(value) if isinstance(value, str) and value else None
