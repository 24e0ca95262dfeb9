"""Accepting the terms: the card's signature key signs the digest of the text that was shown."""

from app.card_operations.base import Ask, Result, Turn
from app.card_operations.keys_on_card import key_on, key_row_on
from app.card_operations.statements import StatementRefused
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import CardOperation, TermsAcceptance, TermsVersion
from reader_bridge.contract import Hold, Purpose, Slot, Stage

STEP = "terms"
STAGES = (Stage.CHECKING_CARD, Stage.CHECKING_PASSCODE, Stage.SIGNING)


def can_sign(sign_in: CardOperation) -> bool:
    """Whether the card's signature key is known: not while a renewal was cut off making a new one.

    Then the terms wait until the renewal is done, for which the holder has to be signed in.
    """
    return sign_in.card is not None and key_row_on(sign_in.card, Slot.SIGNATURE) is not None


def ask(turn: Turn) -> Ask:
    """A statement by 9C over the text whose id is in the operation's facts."""
    key = key_on(turn.card, Slot.SIGNATURE)
    if key is None:
        raise StatementRefused("no signature key")
    work = [turn.sign(key, Purpose.TERMS, sha256=_text(turn).sha256)]
    return Ask(work=work, card=turn.card.guid, hold=Hold.NOTHING, stages=STAGES)


def accept(turn: Turn, results: list[Result]) -> None:
    """Keep the signed acceptance, so that it can be verified later.

    Raises:
        StatementRefused: the signature is not this card's, or over another text.
    """
    terms = _text(turn)
    row = key_row_on(turn.card, Slot.SIGNATURE)
    key = key_on(turn.card, Slot.SIGNATURE)
    if row is None or key is None:
        raise StatementRefused("no signature key")
    made = turn.statement(results[0], key, Purpose.TERMS, sha256=terms.sha256)
    db.session.add(
        TermsAcceptance(
            person_id=turn.operation.person_id,
            terms_id=terms.id,
            card_id=turn.card.id,
            statement=made.token,
            key_id=row.id,
            accepted_at=turn.now,
        )
    )
    turn.record(
        "terms.accepted",
        Outcome.DONE,
        by_holder=True,
        version=terms.version,
        statement=made.token,
    )


def _text(turn: Turn) -> TermsVersion:
    return db.session.get_one(TermsVersion, turn.operation.facts["terms_id"])
