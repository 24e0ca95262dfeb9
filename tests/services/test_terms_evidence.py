"""Acceptances that prove something, and those that were tampered with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import delete, update

from app.domain.statuses import CertificateStatus, KeyState
from app.extensions import db
from app.models import (
    Card,
    CardKey,
    Certificate,
    Person,
    TermsAcceptance,
    TermsVersion,
)
from app.pki.authority import BuiltInAuthority
from app.services import terms
from app.services.terms_evidence import BATCH, Checked, Flaw, findings
from reader_bridge.contract import Slot
from tests.parts.clock import START
from tests.parts.kept_statements import kept_statement
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> BuiltInAuthority:
    folder = tmp_path_factory.mktemp("authority") / "pki"
    BuiltInAuthority.create(folder, b"of the tests", now=START)
    return BuiltInAuthority.open(folder, b"of the tests", origin="https://identity.example.org")


@dataclass(frozen=True)
class Accepted:
    """Somebody who has accepted a text with the key of their card."""

    person: Person
    card: Card
    key: CardKey
    private: ec.EllipticCurvePrivateKey
    text: TermsVersion
    row: TermsAcceptance

    def signed(self, **claims: Any) -> str:
        """Another statement by the same card."""
        return kept_statement(self.private, **(self.claims | claims))

    @property
    def claims(self) -> dict[str, Any]:
        return {
            "purpose": "terms",
            "card": self.card.guid,
            "sha256": self.text.sha256,
            "iat": int(START.timestamp()),
        }


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def accepted(issuer: BuiltInAuthority, text: TermsVersion | None = None) -> Accepted:
    text = text or terms.current() or published()
    person = a_person()
    card, private = a_card(person), ec.generate_private_key(ec.SECP256R1())
    key = CardKey(
        card_id=card.id,
        slot="9c",
        state=KeyState.CURRENT,
        algorithm="ES256",
        public_key=public(private),
        jkt="j" * 43,
        created_at=START,
    )
    db.session.add(key)
    db.session.flush()
    certify(issuer, key, person.uuid)
    row = TermsAcceptance(
        person_id=person.id,
        terms_id=text.id,
        card_id=card.id,
        statement="",
        key_id=key.id,
        accepted_at=START,
    )
    done = Accepted(person, card, key, private, text, row)
    row.statement = done.signed()
    db.session.add(row)
    db.session.commit()
    return done


def certify(issuer: BuiltInAuthority, key: CardKey, uuid: str) -> None:
    guid = UUID(int=key.id)
    made = issuer.issue(Slot.SIGNATURE, key.public_key, uuid=uuid, guid=guid, now=START)
    db.session.add(
        Certificate(
            card_id=key.card_id,
            slot="9c",
            key_id=key.id,
            serial=made.serial,
            issuer=made.issuer,
            not_before=made.not_before,
            not_after=made.not_after,
            der=made.der,
            status=CertificateStatus.ACTIVE,
        )
    )


def published() -> TermsVersion:
    return terms.publish(title="Terms", text="Keep your card with you.", actor=None, now=START)


def flaws(issuer: BuiltInAuthority, uuid: str | None = None) -> tuple[int, list[Flaw]]:
    db.session.expire_all()
    checked = Checked()
    found = [finding.flaw for finding in findings(issuer, checked, uuid=uuid)]
    return checked.acceptances, found


def change_text(done: Accepted, issuer: BuiltInAuthority) -> None:
    db.session.execute(update(TermsVersion).values(text="Do as you like."))


def change_text_and_digest(done: Accepted, issuer: BuiltInAuthority) -> None:
    other = terms.publish(title="Terms", text="Do as you like.", actor=None, now=START)
    done.row.terms_id = other.id


def alter_statement(done: Accepted, issuer: BuiltInAuthority) -> None:
    head, body, signature = done.row.statement.split(".")
    done.row.statement = ".".join((head, body, signature[::-1]))


def claim_other_text(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.row.statement = done.signed(sha256="0" * 64)


def claim_other_purpose(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.row.statement = done.signed(purpose="approval")


def claim_other_card(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.row.statement = done.signed(card="f" * 32)


def swap_key_row(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.row.key_id = accepted(issuer).key.id


def swap_key_itself(done: Accepted, issuer: BuiltInAuthority) -> None:
    """As somebody would who can write to the database, and signs with a key of their own."""
    own = ec.generate_private_key(ec.SECP256R1())
    done.key.public_key = public(own)
    done.row.statement = kept_statement(own, **done.claims)


def certify_for_somebody_else(done: Accepted, issuer: BuiltInAuthority) -> None:
    db.session.execute(delete(Certificate))
    certify(issuer, done.key, a_person().uuid)


def give_to_somebody_else(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.row.person_id = a_person().id


def use_another_slot(done: Accepted, issuer: BuiltInAuthority) -> None:
    done.key.slot = "9a"


TAMPERING = [
    (change_text, Flaw.TEXT_CHANGED),
    (change_text_and_digest, Flaw.OTHER_TEXT),
    (alter_statement, Flaw.NOT_SIGNED),
    (claim_other_text, Flaw.OTHER_TEXT),
    (claim_other_purpose, Flaw.OTHER_PURPOSE),
    (claim_other_card, Flaw.OTHER_CARD),
    (swap_key_row, Flaw.KEY_OF_ANOTHER_CARD),
    (swap_key_itself, Flaw.KEY_NOT_CERTIFIED),
    (certify_for_somebody_else, Flaw.KEY_NOT_CERTIFIED),
    (give_to_somebody_else, Flaw.CARD_OF_ANOTHER_PERSON),
    (use_another_slot, Flaw.NOT_SIGNED),
]


@pytest.mark.parametrize(("tamper", "flaw"), TAMPERING)
def test_what_was_tampered_with_is_found_and_named(
    issuer: BuiltInAuthority,
    tamper: Callable[[Accepted, BuiltInAuthority], None],
    flaw: Flaw,
) -> None:
    done = accepted(issuer)
    tamper(done, issuer)
    db.session.commit()
    _, found = flaws(issuer)
    assert found == [flaw]


def test_what_nobody_touched_proves_that_it_was_accepted(issuer: BuiltInAuthority) -> None:
    first = accepted(issuer)
    accepted(issuer, text=terms.publish(title="T", text="New.", actor=None, now=START))
    assert flaws(issuer) == (2, [])
    assert flaws(issuer, first.person.uuid) == (1, [])


def test_an_acceptance_still_proves_itself_when_the_card_has_newer_keys_and_has_expired(
    issuer: BuiltInAuthority,
) -> None:
    done = accepted(issuer)
    done.key.state = KeyState.SUPERSEDED
    done.card.expires_on = START.date() - timedelta(days=1)
    db.session.commit()
    assert flaws(issuer) == (1, [])


def test_one_person_s_check_does_not_see_another_s_flaw(issuer: BuiltInAuthority) -> None:
    good, bad = accepted(issuer), accepted(issuer)
    alter_statement(bad, issuer)
    db.session.commit()
    assert flaws(issuer, good.person.uuid) == (1, [])
    assert flaws(issuer, bad.person.uuid) == (1, [Flaw.NOT_SIGNED])


def test_all_batches_are_checked_and_each_is_read_with_two_questions(
    issuer: BuiltInAuthority, count_queries: Any
) -> None:
    done = accepted(issuer)
    values = {
        column.name: getattr(done.row, column.name)
        for column in TermsAcceptance.__table__.columns
        if column.name != "id"
    }
    rows = [values | {"statement": "a.b.c"} for _ in range(BATCH)]
    db.session.execute(TermsAcceptance.__table__.insert(), rows)
    db.session.commit()
    with count_queries() as queries:
        checked, found = flaws(issuer)
    assert (checked, len(found)) == (BATCH + 1, BATCH)
    assert len(queries) <= 7
