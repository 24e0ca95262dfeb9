"""Whether those who accepted the terms really did: each acceptance against text, card and key.

A signature is checked with the public key that its row names, and that key with the certificate
that the authority issued for it: who can write to the database cannot make either.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import Row, Select, select

from app.card_operations.statements import (
    KnownKey,
    StatementRefused,
    verify_kept,
)
from app.extensions import db
from app.models import Card, CardKey, Certificate, Person, TermsAcceptance, TermsVersion
from app.pki.authority import Issuer
from app.pki.validation import signed_by
from reader_bridge.contract import Purpose, Slot

BATCH = 1000  # rows in memory at a time


class Flaw(StrEnum):
    """What is wrong with an acceptance: the first thing found."""

    TEXT_CHANGED = "text-changed"  # the text is not the one whose digest was published
    KEY_OF_ANOTHER_CARD = "key-of-another-card"
    CARD_OF_ANOTHER_PERSON = "card-of-another-person"
    KEY_NOT_CERTIFIED = "key-not-certified"  # our authority never said that it is this person's
    NOT_SIGNED = "not-signed"  # altered, or signed with another key
    OTHER_PURPOSE = "other-purpose"
    OTHER_TEXT = "other-text"
    OTHER_CARD = "other-card"


_BY_CLAIM = {"purpose": Flaw.OTHER_PURPOSE, "sha256": Flaw.OTHER_TEXT, "card": Flaw.OTHER_CARD}


@dataclass(frozen=True)
class Finding:
    """One acceptance that proves nothing."""

    acceptance: int
    uuid: str
    version: int
    accepted_at: datetime
    flaw: Flaw


@dataclass
class Checked:
    """How far a check has come; read it when the findings are through."""

    acceptances: int = 0
    texts: dict[int, bool] = field(default_factory=dict)  # terms id -> its digest is its own


def findings(issuer: Issuer, checked: Checked, *, uuid: str | None = None) -> Iterator[Finding]:
    """Check every acceptance, or one person's, in the order in which they were made.

    Rows are read and forgotten ``BATCH`` at a time.
    """
    after = 0
    while rows := db.session.execute(_acceptances(after, uuid)).all():
        certificates = _certificates({row.key_id for row in rows})
        for row in rows:
            checked.acceptances += 1
            if row.terms_id not in checked.texts:
                checked.texts[row.terms_id] = _is_its_own(row.terms_id)
            flaw = _flaw(row, certificates.get(row.key_id, []), issuer, checked)
            if flaw is not None:
                yield Finding(row.id, row.uuid, row.version, row.accepted_at, flaw)
        after = rows[-1].id


def _acceptances(after: int, uuid: str | None) -> Select[*tuple[Any, ...]]:
    wanted = (
        select(
            TermsAcceptance.id,
            TermsAcceptance.person_id,
            TermsAcceptance.terms_id,
            TermsAcceptance.card_id,
            TermsAcceptance.key_id,
            TermsAcceptance.statement,
            TermsAcceptance.accepted_at,
            TermsVersion.version,
            TermsVersion.sha256,
            Person.uuid,
            Card.guid,
            Card.person_id.label("holder_id"),
            CardKey.card_id.label("key_card_id"),
            CardKey.slot,
            CardKey.public_key,
        )
        .join(TermsVersion, TermsVersion.id == TermsAcceptance.terms_id)
        .join(Person, Person.id == TermsAcceptance.person_id)
        .join(Card, Card.id == TermsAcceptance.card_id)
        .join(CardKey, CardKey.id == TermsAcceptance.key_id)
        .where(TermsAcceptance.id > after)
        .order_by(TermsAcceptance.id)
        .limit(BATCH)
    )
    return wanted if uuid is None else wanted.where(Person.uuid == uuid)


def _certificates(keys: set[int]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    rows = db.session.execute(
        select(Certificate.key_id, Certificate.der).where(Certificate.key_id.in_(keys))
    )
    for key_id, der in rows:
        found.setdefault(key_id, []).append(der)
    return found


def _is_its_own(terms_id: int) -> bool:
    text, sha256 = db.session.execute(
        select(TermsVersion.text, TermsVersion.sha256).where(TermsVersion.id == terms_id)
    ).one()
    return hashlib.sha256(text.encode()).hexdigest() == sha256


def _flaw(
    row: Row[*tuple[Any, ...]], certificates: list[bytes], issuer: Issuer, checked: Checked
) -> Flaw | None:
    if not checked.texts[row.terms_id]:
        return Flaw.TEXT_CHANGED
    if row.key_card_id != row.card_id:
        return Flaw.KEY_OF_ANOTHER_CARD
    if row.holder_id != row.person_id:
        return Flaw.CARD_OF_ANOTHER_PERSON
    if not any(certifies(der, row.public_key, row.uuid, issuer) for der in certificates):
        return Flaw.KEY_NOT_CERTIFIED
    try:
        key = KnownKey.from_der(Slot(row.slot), row.public_key)
        verify_kept(row.statement, key, purpose=Purpose.TERMS, card=row.guid, sha256=row.sha256)
    except StatementRefused as refused:
        return _BY_CLAIM.get(refused.problem, Flaw.NOT_SIGNED)
    except ValueError:  # no slot of a card is called so
        return Flaw.NOT_SIGNED
    return None


def certifies(der: bytes, public_key: bytes, uuid: str, issuer: Issuer) -> bool:
    """Say whether a certificate of ours binds this key to this person. Its time is not asked."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return False
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return (
        key == public_key
        and [name.value for name in names] == [uuid]
        and any(signed_by(certificate, each) for each in issuer.intermediates)
    )
