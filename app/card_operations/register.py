"""Step 1 of registering for self-service, and of changing what was registered: the passcode.

The card checks the passcode and signs with its authentication key: whoever goes on is the person to
whom the card was issued. Nothing is changed on the card, so that a lost answer leaves no doubt: the
step is taken again. What follows from it is registered in ``app.services`` (``when_done``).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.card_operations import base, journal
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, Move, Operation, Pause, Result, Turn
from app.card_operations.keys_on_card import key_on
from app.card_operations.office import Office
from app.card_operations.refusals import OwnCardUnfinished
from app.card_operations.which_card import demand_own
from app.card_operations.which_passcode import demand_known, passcode_hint, told_which
from app.domain.principal import Principal
from app.domain.self_service import Change
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card
from reader_bridge.contract import Purpose, Slot, Stage

KIND = "registration"
PROVE = "prove"
STAGES = (Stage.CHECKING_CARD, Stage.CHECKING_PASSCODE, Stage.SIGNING)


class Register(Operation):
    """Its facts say for which ``change`` the passcode is asked."""

    kind = KIND
    event = "self-service.passcode"
    first_step = PROVE

    def ask(self, turn: Turn) -> Ask:
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise OwnCardUnfinished
        demand_known(turn)
        work = [turn.sign(key, Purpose.REGISTRATION)]
        return Ask(work=work, card=turn.card.guid, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        key = key_on(turn.card, Slot.AUTHENTICATION)
        if key is None:
            raise OwnCardUnfinished
        made = turn.statement(results[0], key, Purpose.REGISTRATION)
        change = turn.operation.facts["change"]
        turn.record("self-service.passcode", Outcome.DONE, change=change, statement=made.token)
        return Done({"change": change})

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        return Pause(turn.step.name, code, told_which(turn, code, facts, sure))


REGISTER = base.register(Register())


def start(
    principal: Principal,
    change: Change,
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the holder's own card, in this seat, for its passcode and its signature. Commits.

    Raises:
        Conflict: the card in the reader is not the one that is signed in.
        OwnCardUnfinished: a renewal was cut off, and the card's authentication key is not known.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    demand_own(principal, guid)
    card = db.session.get_one(Card, principal.card_id)
    return journal.begin(
        REGISTER,
        sid=sid,
        seat=seat,
        browser=browser,
        card=card,
        person_id=principal.person_id,
        actor=principal,
        office=office,
        now=now,
        facts={"change": change.value, "use": passcode_hint(card)},
    )


def hint(principal: Principal) -> str | None:
    """Which passcode to ask for, where the answer to a change was lost: as ``passcode_hint``."""
    return passcode_hint(db.session.get_one(Card, principal.card_id))
