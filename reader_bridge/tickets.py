"""The server's permission for one step: checked here before a card is touched. Signs nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from reader_bridge.contract import Code, Command, Hold, Typ

ALGORITHM = "Ed25519"
LAST_STEP = 2**31
LONGEST_CONNECTION = 10 * 365 * 24 * 3600  # seconds; whoever says more says nothing


class TicketRefused(Exception):
    """A ticket gives no permission here; ``code`` says why. No card has been touched."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Work:
    """One named card operation of a ticket, with its parameters."""

    command: Command
    parameters: Mapping[str, Any]

    def __repr__(self) -> str:
        """The name only: parameters hold sealed values."""
        return f"<Work {self.command}>"


@dataclass(frozen=True)
class Ticket:
    """A permission that was found good."""

    jti: str
    op: str
    step: str | int
    seat: str
    card: str | None  # the GUID, 32 hex digits in lower case; None: a blank card
    work: tuple[Work, ...]
    hold: Hold
    continues: bool

    @property
    def only_proves_presence(self) -> bool:
        """Whether its work leaves the card as another program has it."""
        return all(each.command is Command.PROVE_PRESENCE for each in self.work)


class TicketCheck:
    """Checks the tickets of one connection, and remembers which were used."""

    def __init__(
        self,
        *,
        keys: Sequence[Mapping[str, Any]],
        origin: str,
        sid: str,
        clock: Callable[[], float],
    ) -> None:
        """
        Args:
            keys: the server's public keys, current and next, as JWK.
            origin: the origin of the page at the other end.
            sid: the connection.
            clock: monotonic seconds; the connection counts as opened now.
        """
        imported = [OKPKey.import_key(dict(key)) for key in keys]
        self._keys = {key.thumbprint(): key for key in imported}
        named = zip(keys, imported, strict=True)
        self._keys |= {str(jwk["kid"]): key for jwk, key in named if "kid" in jwk}
        self._origin = origin
        self._sid = sid
        self._clock = clock
        self._opened = clock()
        self._used: set[str] = set()

    def accept(self, token: object) -> Ticket:
        """Return what a ticket permits, and never the same ticket again.

        Raises:
            TicketRefused: ticket-invalid, ticket-foreign, ticket-expired, ticket-used or, for a
                command that this bridge does not know, unsupported.
        """
        claims = self._verified(token)
        if claims.get("iss") != self._origin:
            raise TicketRefused(Code.TICKET_FOREIGN, "another origin")
        if claims.get("aud") != self._sid:
            raise TicketRefused(Code.TICKET_FOREIGN, "another connection")
        until = claims.get("until")
        if isinstance(until, bool) or not isinstance(until, int | float) or not _is_time(until):
            raise TicketRefused(Code.TICKET_INVALID, "until")
        if self._clock() - self._opened > until:
            raise TicketRefused(Code.TICKET_EXPIRED, "too late")
        ticket = _read(claims)
        if ticket.jti in self._used:
            raise TicketRefused(Code.TICKET_USED, "a second time")
        self._used.add(ticket.jti)
        return ticket

    def _verified(self, token: object) -> dict[str, Any]:
        if not isinstance(token, str):
            raise TicketRefused(Code.TICKET_INVALID, "not a text")
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            key = self._keys.get(str(header.get("kid")))
            if header.get("typ") != Typ.TICKET or header.get("alg") != ALGORITHM or key is None:
                raise TicketRefused(Code.TICKET_INVALID, "type, algorithm or key")
            payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
            claims = json.loads(payload)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise TicketRefused(Code.TICKET_INVALID, type(error).__name__) from None
        if not isinstance(claims, dict):
            raise TicketRefused(Code.TICKET_INVALID, "claims")
        return claims


def _read(claims: Mapping[str, Any]) -> Ticket:
    def text(name: str) -> str:
        value = claims.get(name)
        if not isinstance(value, str) or not value:
            raise TicketRefused(Code.TICKET_INVALID, name)
        return value

    step = claims.get("step")
    if isinstance(step, int) and (isinstance(step, bool) or not 0 <= step <= LAST_STEP):
        raise TicketRefused(Code.TICKET_INVALID, "step")
    if not isinstance(step, str | int):
        raise TicketRefused(Code.TICKET_INVALID, "step")
    card = claims.get("card")
    if card is not None and not (isinstance(card, str) and _is_guid(card)):
        raise TicketRefused(Code.TICKET_INVALID, "card")
    continues = claims.get("continues", False)
    if not isinstance(continues, bool):
        raise TicketRefused(Code.TICKET_INVALID, "continues")
    try:
        hold = Hold(claims.get("hold", Hold.NOTHING))
    except ValueError:
        raise TicketRefused(Code.TICKET_INVALID, "hold") from None
    return Ticket(
        jti=text("jti"),
        op=text("op"),
        step=step,
        seat=text("seat"),
        card=card,
        work=_read_work(claims.get("work")),
        hold=hold,
        continues=continues,
    )


def _read_work(value: object) -> tuple[Work, ...]:
    if not isinstance(value, list) or not value:
        raise TicketRefused(Code.TICKET_INVALID, "work")
    work = []
    for item in value:
        if not isinstance(item, dict):
            raise TicketRefused(Code.TICKET_INVALID, "work")
        try:
            command = Command(str(item.get("command")))
        except ValueError:
            raise TicketRefused(Code.UNSUPPORTED, "a command unknown here") from None
        work.append(Work(command, {name: item[name] for name in item if name != "command"}))
    return tuple(work)


def _is_time(seconds: float) -> bool:
    """Whether it can be compared with a clock: neither infinite nor not a number."""
    return 0 <= seconds <= LONGEST_CONNECTION


def _is_guid(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)
