"""The card is still there: its card-authentication key says so, without a passcode."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update

from app.card_operations import base, hello, journal
from app.card_operations.answers import NextTicket
from app.card_operations.base import Ask, Done, Move, Operation, Result, Turn, key_of
from app.card_operations.office import Office
from app.card_operations.refusals import OtherWorkstation
from app.card_operations.statements import StatementRefused
from app.domain.principal import Principal
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Card, Session
from reader_bridge.contract import Code, Command, Purpose, Slot


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
        _follow(turn)
        return Done()

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        if code == Code.CARD_BUSY and sure:
            _note_busy(turn)
        return super().card_said_no(turn, code, facts, sure)


def _follow(turn: Turn) -> None:
    """The session goes along when its PC's bridge was started again under its card."""
    moved = db.session.execute(
        update(Session)
        .where(
            Session.id == turn.operation.session_id,
            Session.ended_at.is_(None),
            Session.bridge_instance != turn.connection.instance,
        )
        .values(
            seat=turn.operation.seat,
            bridge_instance=turn.connection.instance,
            last_presence_at=turn.now,
            presence_asked_at=None,
            busy_since=None,
        )
        .returning(Session.id)
    ).one_or_none()
    if moved is not None:
        turn.record("session.bridge-restarted", Outcome.DONE)


def _note_busy(turn: Turn) -> None:
    """The bridge signs that the card is there and in another program's hands."""
    db.session.execute(
        update(Session)
        .where(
            Session.id == turn.operation.session_id,
            Session.ended_at.is_(None),
            Session.busy_since.is_(None),
            Session.seat == turn.operation.seat,
            Session.bridge_instance == turn.connection.instance,
        )
        .values(busy_since=turn.now)
    )


PRESENCE = base.register(Presence())


def other_bridge(principal: Principal, *, sid: str, browser: str, now: datetime) -> bool:
    """Say whether a page's bridge is another than the session's: started again, on the same PC.

    Raises:
        OtherWorkstation: it runs on another PC.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    connection = hello.connection_of(sid, browser=browser, now=now)
    if connection.workstation_id != principal.workstation_id:
        raise OtherWorkstation
    return connection.instance != principal.bridge_instance


def start(
    principal: Principal,
    *,
    sid: str,
    browser: str,
    office: Office,
    now: datetime,
    seat: str | None = None,
) -> NextTicket:
    """Ask the card of this session to say that it is there.

    It is asked in the seat in which it signed in, or in ``seat`` where the bridge was started
    again meanwhile: then nobody else knows whether it stayed.

    Raises:
        OtherWorkstation: the bridge is another PC's.
        ConnectionUnknown, WorkstationBlocked: about the bridge.
    """
    moved = other_bridge(principal, sid=sid, browser=browser, now=now)
    return journal.begin(
        PRESENCE,
        sid=sid,
        seat=seat if moved and seat else principal.seat,
        browser=browser,
        card=db.session.get_one(Card, principal.card_id),
        person_id=principal.person_id,
        actor=principal,
        office=office,
        now=now,
    )
