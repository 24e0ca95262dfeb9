"""Removing rows that have done their work. What tells a story (audit, journal, cards) stays."""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update

from app.card_operations import service_centre
from app.domain.statuses import OperationState, SessionEnd, WorkstationStatus
from app.extensions import db
from app.models import (
    AuditEvent,
    BridgeConnection,
    CardOperation,
    InstallCodeUse,
    OneTimeCode,
    OutboxMessage,
    RateLimit,
    SelfServiceDraft,
    Session,
    Workstation,
)
from app.services import sessions, sign_in, unlock_attempts
from app.services.running_session import PRESENCE_KIND

SESSIONS_KEPT = timedelta(days=30)
MAIL_KEPT = timedelta(days=30)
CODES_KEPT = timedelta(days=1)  # long after the last of them counts
DRAFTS_KEPT = timedelta(days=30)  # of self-service: somebody who never came back
LIMITS_KEPT = timedelta(days=1)
PROOFS_KEPT = timedelta(hours=1)  # their journal; that the card was there is in the session
SEEN_KEPT = timedelta(days=30)  # a PC about which nobody decided, and where nothing happened
SIGN_INS_KEPT = timedelta(hours=12)  # a sign-in that nobody finished; a proof for an unlock


def tidy(now: datetime) -> dict[str, int]:
    """Remove what is old, end what is over, and return how many of each. Safe at any time."""
    return {
        "sessions ended": _end_sessions(now),
        "sign-ins abandoned": _abandon_sign_ins(now),
        "proofs of presence": _remove(
            delete(CardOperation).where(
                CardOperation.kind == PRESENCE_KIND,
                CardOperation.updated_at < now - PROOFS_KEPT,
            )
        ),
        "proofs at the Service Centre": _remove(
            delete(CardOperation).where(
                CardOperation.kind == service_centre.KIND,
                CardOperation.updated_at < now - SIGN_INS_KEPT,
            )
        ),
        "sessions": _remove(delete(Session).where(Session.ended_at < now - SESSIONS_KEPT)),
        "bridge connections": _remove(
            delete(BridgeConnection).where(
                BridgeConnection.expires_at < now,
                ~exists().where(
                    CardOperation.connection_id == BridgeConnection.id,
                    CardOperation.finished_at.is_(None),
                ),
            )
        ),
        "workstations": _remove(
            delete(Workstation).where(
                Workstation.status == WorkstationStatus.SEEN,
                Workstation.decided_at.is_(None),
                Workstation.last_seen_at < now - SEEN_KEPT,
                *(
                    ~exists().where(column == Workstation.id)
                    for column in (
                        BridgeConnection.workstation_id,
                        Session.workstation_id,
                        InstallCodeUse.workstation_id,
                        AuditEvent.workstation_id,
                    )
                ),
            )
        ),
        "mail": _remove(
            delete(OutboxMessage).where(
                OutboxMessage.created_at < now - MAIL_KEPT,
                or_(OutboxMessage.delivered_at.is_not(None), OutboxMessage.failed_at.is_not(None)),
            )
        ),
        "mail with a secret, of no more use": _remove(
            update(OutboxMessage)
            .where(
                OutboxMessage.until <= now,
                OutboxMessage.delivered_at.is_(None),
                OutboxMessage.failed_at.is_(None),
            )
            .values(failed_at=now, bodies_sealed=None)
        ),
        "codes": _remove(delete(OneTimeCode).where(OneTimeCode.created_at < now - CODES_KEPT)),
        "self-service begun and not ended": _remove(
            delete(SelfServiceDraft).where(SelfServiceDraft.updated_at < now - DRAFTS_KEPT)
        ),
        "self-service blocked, as a try was never judged": unlock_attempts.block_unjudged(now),
        "limits": _remove(delete(RateLimit).where(RateLimit.window_start < now - LIMITS_KEPT)),
    }


def _end_sessions(now: datetime) -> int:
    """End the sessions whose browser never came back to hear that they are over."""
    limits = sessions.limits()
    forgotten = db.session.scalars(
        select(Session.id).where(
            Session.ended_at.is_(None),
            or_(
                Session.started_at <= now - limits.total,
                Session.last_presence_at <= now - limits.longest_without_proof,
            ),
        )
    ).all()
    return sum(sessions.end(each, SessionEnd.PRESENCE_LOST, now) for each in forgotten)


def _abandon_sign_ins(now: datetime) -> int:
    """Close the journal of sign-ins that stopped half way: nothing is left to continue.

    Those that ended well forget the answer that was kept for a page that had not heard it.
    """
    db.session.execute(
        update(CardOperation)
        .where(
            CardOperation.kind == "sign-in",
            CardOperation.sealed.is_not(None),
            CardOperation.finished_at < now - sign_in.ANSWER_KEPT,
        )
        .values(sealed=None)
    )
    return _remove(
        update(CardOperation)
        .where(
            CardOperation.kind == "sign-in",
            CardOperation.finished_at.is_(None),
            CardOperation.updated_at < now - SIGN_INS_KEPT,
        )
        .values(state=OperationState.ABANDONED, finished_at=now)
    )


def _remove(statement: object) -> int:
    done = db.session.execute(statement)  # type: ignore[call-overload]  # an update or a delete
    db.session.commit()
    return int(done.rowcount)
