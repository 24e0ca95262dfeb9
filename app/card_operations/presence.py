"""The card is still there: its card-authentication key says so, without a passcode."""

from datetime import datetime

from app.card_operations import base, journal
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, Move, Operation, Result, Turn, key_of
from app.card_operations.office import Office
from app.card_operations.statements import StatementRefused
from app.domain.principal import Principal
from app.extensions import db
from app.models import Card
from reader_bridge.contract import Command, Purpose, Slot


class Presence(Operation):
    """One step. That the session's card was present is noted with every statement that holds."""

    kind = "presence"
    event = "session.presence"
    first_step = "prove"

    def ask(self, turn: Turn) -> Ask:
        key = key_of(turn.card, Slot.CARD_AUTHENTICATION)
        if key is None:
            raise StatementRefused("no card-authentication key")
        work = {
            "command": Command.PROVE_PRESENCE.value,
            "algorithm": key.algorithm.value,
            "nonce": turn.nonce,
        }
        return Ask(work=[work], card=turn.card.guid)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        key = key_of(turn.card, Slot.CARD_AUTHENTICATION)
        if key is None:
            raise StatementRefused("no card-authentication key")
        turn.statement(results[0], key, Purpose.PRESENCE)
        return Done()


PRESENCE = base.register(Presence())


def start(
    principal: Principal, *, sid: str, browser: str, office: Office, now: datetime
) -> NextTicket:
    """Ask the card of this session, in the seat in which it signed in, to say that it is there.

    Raises:
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    return journal.begin(
        PRESENCE,
        sid=sid,
        seat=principal.seat,
        browser=browser,
        card=db.session.get_one(Card, principal.card_id),
        person_id=principal.person_id,
        actor=principal,
        office=office,
        now=now,
    )
