"""An agent approves an act on another's card: their own card's signature key (9C) signs it.

The agent's card is the one that they are signed in with, in its own reader. The text that is
signed is journalled before the ticket leaves. What follows from a signed approval is registered by
``base.when_done``: cancelling a card happens in the same transaction; issuing and repairing begin
afterwards and use the approval up (``approvals.spend``).
"""

from datetime import datetime
from typing import Any

from app.card_operations import base, journal
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, Move, Operation, Result, Turn
from app.card_operations.keys_on_card import key_on, key_row_on
from app.card_operations.office import Office
from app.card_operations.refusals import OwnCardUnfinished
from app.card_operations.statements import StatementRefused
from app.card_operations.which_card import demand_own
from app.domain import approval
from app.domain.approval import Act, ActKind, Named
from app.domain.errors import NotAllowed, NotFound, NotSignedIn
from app.domain.principal import Principal
from app.domain.roles import Permission, decides_on_own
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card, CardOperation, Person
from reader_bridge.contract import Purpose, Slot, Stage

KIND = "approve"
SIGN = "sign"
STAGES = (Stage.CHECKING_CARD, Stage.CHECKING_PASSCODE, Stage.SIGNING)

PERMISSIONS = {
    ActKind.CANCEL: Permission.CANCEL_CARD,
    ActKind.ISSUE: Permission.ISSUE_CARD,
    ActKind.REPAIR: Permission.REPAIR_CARD,
}


def act_of(operation: CardOperation) -> Act:
    """What an approval in the journal approves."""
    kept: dict[str, Any] = operation.facts["act"]
    return Act(**{**kept, "act": ActKind(kept["act"])})


class Approve(Operation):
    """Done → facts {act, text, sha256, statement}, in the answer and in the journal."""

    kind = KIND
    event = "approval.given"
    first_step = SIGN

    def ask(self, turn: Turn) -> Ask:
        key = key_on(turn.card, Slot.SIGNATURE)
        if key is None or turn.actor is None:
            raise StatementRefused("no signature key")
        own = turn.operation.facts
        own["text"] = _text(act_of(turn.operation), turn.actor, turn.office.origin, turn.now)
        own["sha256"] = approval.digest(own["text"])
        work = [turn.sign(key, Purpose.APPROVAL, sha256=own["sha256"])]
        return Ask(work=work, card=turn.card.guid, stages=STAGES)

    def accept(self, turn: Turn, results: list[Result]) -> Move:
        if turn.actor is None or turn.actor.session_id != turn.operation.session_id:
            raise NotSignedIn  # the agent's card was pulled meanwhile: nothing is approved
        key = key_on(turn.card, Slot.SIGNATURE)
        if key is None:
            raise StatementRefused("no signature key")
        own = turn.operation.facts
        act = act_of(turn.operation)
        turn.actor.demand(PERMISSIONS[act.act])
        made = turn.statement(results[0], key, Purpose.APPROVAL, sha256=own["sha256"])
        own["statement"] = made.token
        if act.act is not ActKind.CANCEL:  # what is carried out at once has an event of its own
            turn.record(
                self.event,
                Outcome.DONE,
                act=act.act,
                person=act.person_id,
                card=act.card_id,
                reason=act.reason,
                **evidence(turn.operation),
            )
        return Done({name: own[name] for name in ("act", "text", "sha256", "statement")})


def evidence(operation: CardOperation) -> dict[str, Any]:
    """What the event of an approved act keeps, so that the signature can be verified later."""
    own = operation.facts
    return {
        "statement": own["statement"],
        "approval": operation.public_id,
        "text": own["text"],
        "sha256": own["sha256"],
    }


APPROVE = base.register(Approve())


def start(
    principal: Principal,
    act: Act,
    *,
    sid: str,
    seat: str,
    guid: str | None,
    browser: str,
    office: Office,
    now: datetime,
) -> NextTicket:
    """Ask the agent's own card, in this seat, for its signature under an act. Commits.

    Whoever calls this has asked the rules of the card (``app.domain.card_services``).

    Raises:
        NotAllowed: not in this role, or it is the agent's own card.
        NotFound: there is no such person or card.
        Conflict: the card in the reader is not the one that is signed in.
        OwnCardUnfinished: it has no signature key that is known.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    principal.demand(PERMISSIONS[act.act])
    concerned = db.session.get(Card, act.card_id) if act.card_id is not None else None
    if act.card_id is not None and concerned is None:
        raise NotFound("card", act.card_id)
    holder_id = concerned.person_id if concerned else None
    if decides_on_own(principal.person_id, act.person_id, holder_id):
        raise NotAllowed(PERMISSIONS[act.act], "own-card")
    demand_own(principal, guid)
    own = db.session.get_one(Card, principal.card_id)
    if key_row_on(own, Slot.SIGNATURE) is None:
        raise OwnCardUnfinished
    return journal.begin(
        APPROVE,
        sid=sid,
        seat=seat,
        browser=browser,
        card=own,
        person_id=principal.person_id,
        actor=principal,
        office=office,
        now=now,
        facts={
            "act": {
                "act": act.act.value,
                "person_id": act.person_id,
                "card_id": act.card_id,
                "reason": act.reason,
                "note": act.note,
                "replacement": act.replacement,
            }
        },
    )


def _text(act: Act, actor: Principal, origin: str, now: datetime) -> str:
    person = db.session.get(Person, act.person_id) if act.person_id is not None else None
    card = db.session.get(Card, act.card_id) if act.card_id is not None else None
    return approval.approval_text(
        act,
        service=origin,
        at=now,
        by=Named(uuid=actor.uuid, name=actor.name),
        role=actor.role.label if actor.role else "none",
        organisation=f"{actor.organisation_code} {actor.organisation_name}",
        on=Named(uuid=person.uuid, name=person.name) if person else None,
        card_number=card.number if card else None,
    )
