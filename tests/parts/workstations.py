"""PCs as tests need them: rows, and bridges that bring an install code."""

from datetime import datetime
from typing import Any

from joserfc.jwk import OKPKey

from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import Workstation
from reader_bridge.workstation import Workstation as Bridge
from tests.parts.clock import START

ORIGIN = "http://127.0.0.1:5000"
CHALLENGE = "what the server told a moment ago"


def a_workstation(
    name: str = "PC-1",
    *,
    status: WorkstationStatus = WorkstationStatus.SEEN,
    now: datetime = START,
    **columns: Any,
) -> Workstation:
    """A PC that the service has met."""
    row = Workstation(
        **{
            "thumbprint": a_bridge().thumbprint,
            "jwk": {},
            "version": "1",
            "status": status,
            "first_seen_at": now,
            "last_seen_at": now,
            **columns,
        }
    )
    row.call(name)
    db.session.add(row)
    db.session.commit()
    return row


def a_bridge(name: str = "WARD4-PC2") -> Bridge:
    """A bridge with a key of its own, which no service has met."""
    return Bridge(OKPKey.generate_key("Ed25519"), name)


def brings(bridge: Bridge, code: str, **claims: str) -> str:
    """What a bridge sends with an install code, apart from what ``claims`` say otherwise."""
    said = {"origin": ORIGIN, "nonce": CHALLENGE, "code": code, **claims}
    return bridge.enrolment(**said)
