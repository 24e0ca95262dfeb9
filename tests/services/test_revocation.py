"""Revocation is what the database says, at once."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from app.domain.card_lifecycle import CardEvent, CardStatus
from app.domain.revocation import GOOD, UNKNOWN, RevocationReason, Standing, Verdict
from app.domain.statuses import CertificateStatus
from app.extensions import db
from app.pki.profiles import CARDS, PERSONS
from app.services.revocation import DatabaseAway, LookUp, standings
from tests.parts.certificates import a_certificate
from tests.parts.clock import START
from tests.parts.people import a_card, a_person

pytestmark = pytest.mark.usefixtures("db_session")
LATER = START + timedelta(hours=1)
HOLD = RevocationReason.CERTIFICATE_HOLD


def test_certificates_of_a_suspended_card_are_on_hold_until_it_is_resumed():
    card = a_card(a_person())
    certificate = a_certificate(card)
    card.apply(CardEvent.SUSPEND, now=LATER)
    card.modified_at = LATER + timedelta(days=1)  # something else was changed
    db.session.commit()
    assert said(certificate) == Standing(Verdict.REVOKED, LATER, HOLD)
    card.apply(CardEvent.RESUME, now=LATER)
    db.session.commit()
    assert said(certificate) == GOOD


def test_an_authority_says_nothing_of_another_s_certificates():
    certificate = a_certificate(a_card(a_person()))
    assert standings(db.session, CARDS, [certificate.serial]) == {certificate.serial: UNKNOWN}


def test_many_are_asked_for_with_one_query(count_queries):
    card = a_card(a_person(), status=CardStatus.ISSUED)
    good, held = a_certificate(card), a_certificate(card, status=CertificateStatus.HELD)
    serials = [good.serial, held.serial, "77"]
    with count_queries() as queries:
        answers = standings(db.session, PERSONS, serials)
    assert len(queries) == 1
    hold = Standing(Verdict.REVOKED, START, HOLD)
    assert answers == {good.serial: GOOD, held.serial: hold, "77": UNKNOWN}


def test_the_driver_itself_says_the_same():
    card = a_card(a_person())
    suspended = a_card(a_person())
    suspended.apply(CardEvent.SUSPEND, now=LATER)
    revoked = a_certificate(
        card, status="revoked", revoked_at=LATER, revocation_reason="key-compromise"
    )
    rows = [a_certificate(card), a_certificate(card, status="held"), a_certificate(suspended)]
    serials = [each.serial for each in (*rows, revoked)] + ["77"]
    expected = standings(db.session, PERSONS, serials)
    assert expected[revoked.serial].since == LATER
    look_up = LookUp(db.engine)
    assert look_up(PERSONS, serials) == expected
    for serial in serials:
        assert look_up(PERSONS, [serial]) == {serial: expected[serial]}
        assert look_up(CARDS, [serial]) == {serial: UNKNOWN}


def test_the_driver_is_asked_anew_each_time():
    card = a_card(a_person())
    certificate = a_certificate(card)
    look_up = LookUp(db.engine)
    for act, expected in ((CardEvent.SUSPEND, Verdict.REVOKED), (CardEvent.RESUME, Verdict.GOOD)):
        card.apply(act, now=LATER)
        db.session.commit()
        assert look_up(PERSONS, [certificate.serial])[certificate.serial].verdict is expected


@pytest.mark.parametrize("lose", [lambda made: made[-1].close(), lambda _: db.engine.dispose()])
def test_a_connection_is_kept_until_it_is_lost(lose):
    serial = a_certificate(a_card(a_person())).serial
    db.session.remove()
    db.engine.dispose()
    look_up = LookUp(db.engine)
    made = []

    def connected(connection, _entry):
        made.append(connection)

    event.listen(db.engine, "connect", connected)
    try:
        for number in (1, 2):
            for _ in range(2):
                assert look_up(PERSONS, [serial]) == {serial: GOOD}
            assert len(made) == number
            lose(made)
    finally:
        event.remove(db.engine, "connect", connected)


def test_a_database_that_is_away_is_said_to_be():
    look_up = LookUp(db.engine)
    db.session.execute(text("ALTER TABLE certificate RENAME TO elsewhere"))
    db.session.commit()
    try:
        for serials in (["77"], ["77", "78"]):
            with pytest.raises(DatabaseAway):
                look_up(PERSONS, serials)
    finally:
        db.session.execute(text("ALTER TABLE elsewhere RENAME TO certificate"))
        db.session.commit()


def said(certificate):
    return standings(db.session, PERSONS, [certificate.serial])[certificate.serial]
