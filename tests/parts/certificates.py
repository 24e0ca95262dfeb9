"""Rows of certificates, for tests that need many of them and no card."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import Card, CardKey, Certificate
from app.pki.profiles import PERSONS
from tests.parts.clock import START

_serials = itertools.count(0x7F00_0000_0001)


def a_certificate(card: Card, now: datetime = START, **columns: Any) -> Certificate:
    """A certificate of this card, active if nothing else is said. Its content is no certificate."""
    certificate = Certificate(
        **{
            "card": card,
            "slot": "9a",
            "key": _a_key(card, now),
            "serial": f"{next(_serials):x}",
            "issuer": PERSONS,
            "not_before": now,
            "not_after": now + timedelta(days=730),
            "der": b"",
            "status": CertificateStatus.ACTIVE,
            **columns,
        }
    )
    db.session.add(certificate)
    db.session.commit()
    return certificate


def many_revoked(card: Card, count: int, now: datetime = START, **columns: Any) -> list[str]:
    """That many revoked certificates at once; return their serials."""
    key = _a_key(card, now)
    db.session.flush()
    serials = [f"{next(_serials):x}" for _ in range(count)]
    common = {
        "card_id": card.id,
        "slot": "9a",
        "key_id": key.id,
        "issuer": PERSONS,
        "not_before": now,
        "not_after": now + timedelta(days=730),
        "der": b"",
        "status": CertificateStatus.REVOKED,
        "revoked_at": now,
        "revocation_reason": "superseded",
        **columns,
    }
    db.session.execute(insert(Certificate), [{"serial": each, **common} for each in serials])
    db.session.commit()
    return serials


def _a_key(card: Card, now: datetime) -> CardKey:
    key = CardKey(
        card=card,
        slot="9a",
        state=KeyState.SUPERSEDED,
        algorithm="ES256",
        public_key=b"",
        jkt="j" * 43,
        created_at=now,
    )
    db.session.add(key)
    return key
