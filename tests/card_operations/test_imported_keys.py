"""Cards whose management key cannot be changed: refused with a published one, or issued."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.card_operations import erase, issue, sealed
from app.card_operations.answers import Finished
from app.card_operations.office import Office
from app.card_operations.refusals import FactoryKeyFixed
from app.domain.card_lifecycle import CardEvent, CardStatus
from app.extensions import db
from app.models import AuditEvent, Card, ImportedManagementKey, Person
from reader_bridge.contract import Algorithm
from reader_bridge.virtual.behaviour import Tear, named
from tests.card_operations.conftest import PASSCODE, Counter
from tests.card_operations.test_erase import erased, put_in_again, shown
from tests.parts.people import a_person

KEY = bytes(range(50, 74))
SERIAL = "4711"


def imports(app: Flask, tmp_path: Path, *words: str, key: str = KEY.hex()) -> Result:
    file = tmp_path / "key"
    file.write_text(key + "\n")
    return app.test_cli_runner().invoke(
        args=["cards", "import-management-key", "--key-file", str(file), *words]
    )


@pytest.fixture
def fixed(counter: Counter) -> Counter:
    """A blank card with a management key of its own that it keeps for ever."""
    counter.put_in("fixed-management-key")
    chip = counter.chip()
    chip.management_key = KEY
    chip.save()
    counter.page.desk("insert", card="one", reader=counter.reader)
    return counter


def issue_a_real_one(counter: Counter, person: Person) -> Card:
    first = counter.start_issue(person)
    blank = select(Card).filter_by(status=CardStatus.BLANK).order_by(Card.id.desc())
    card = db.session.scalars(blank).first()
    assert card is not None
    card.virtual = False
    db.session.commit()
    done = counter.run(first, new_passcode=PASSCODE)
    assert isinstance(done, Finished), done
    return card


def test_a_card_whose_own_key_was_imported_is_issued_with_it(
    app: Flask, fixed: Counter, holder: Person, tmp_path: Path
) -> None:
    done = imports(app, tmp_path, "--serial", SERIAL, "--algorithm", "AES192")
    assert done.exit_code == 0, done.output
    card = issue_a_real_one(fixed, holder)
    assert card.status is CardStatus.ISSUED
    assert sealed.management_key(fixed.office.vault, card).key == KEY
    assert fixed.chip().management_key == KEY


def test_it_is_erased_and_issued_again_with_the_same_key(
    app: Flask, fixed: Counter, holder: Person, tmp_path: Path
) -> None:
    imports(app, tmp_path, "--serial", SERIAL, "--algorithm", "AES192")
    card = issue_a_real_one(fixed, holder)
    card.apply(CardEvent.CANCEL, now=fixed.now)
    db.session.commit()
    fixed.sign_in_agent(holder.organisation)
    assert erased(fixed, card).facts["reusable"]
    assert fixed.chip().management_key == KEY
    fixed.actor = None
    issue_a_real_one(fixed, a_person())


def put_in_by_guid(app: Flask, counter: Counter, tmp_path: Path, behaviour: str) -> None:
    """A blank card without a serial number, whose own key is known by what the card shows."""
    counter.put_in(replace(named(behaviour), has_serial=False))
    chip = counter.chip()
    chip.management_key = KEY
    chip.save()
    put_in_again(counter)
    guid = shown(counter)
    assert guid is not None
    assert imports(app, tmp_path, "--guid", guid, "--algorithm", "AES192").exit_code == 0


def test_a_card_whose_key_was_imported_by_its_identifier_is_erased_and_issued_time_and_again(
    app: Flask, counter: Counter, holder: Person, tmp_path: Path
) -> None:
    put_in_by_guid(app, counter, tmp_path, "fixed-management-key")
    card = issue_a_real_one(counter, holder)
    for name in ("first", "second"):
        card.apply(CardEvent.CANCEL, now=counter.now)
        db.session.commit()
        counter.sign_in_agent(holder.organisation, name=name)
        assert erased(counter, card).facts == {"left": [], "reusable": True}
        assert counter.chip().management_key == KEY
        assert shown(counter) != card.guid
        counter.actor = None
        put_in_again(counter)
        card = issue_a_real_one(counter, a_person(organisation=holder.organisation))
        assert card.status is CardStatus.ISSUED


@pytest.mark.parametrize("at", [6, 8, 10, 12])
@pytest.mark.parametrize("behaviour", ["fixed-management-key", "default"])
def test_its_key_is_found_wherever_issue_and_erasing_were_cut(
    app: Flask,
    counter: Counter,
    holder: Person,
    tmp_path: Path,
    behaviour: str,
    at: int,
) -> None:
    put_in_by_guid(app, counter, tmp_path, behaviour)
    blank = counter.page.blank_card(counter.reader)
    tear(counter, at)
    common: dict[str, Any] = {"office": counter.office, "now": counter.now}
    at_once = {**common, **counter.at_the_bridge()}
    first = issue.start(holder, blank, algorithm=Algorithm.ES256, actor=None, **at_once)
    card = db.session.scalars(select(Card).filter_by(status=CardStatus.BLANK)).one()
    card.virtual = False
    db.session.commit()
    counter.run(first, new_passcode=PASSCODE)
    tear(counter, None)
    agent = counter.sign_in_agent(holder.organisation)
    guid = shown(counter)
    tear(counter, at)
    counter.run(erase.start(agent, card, guid=guid, **common, **counter.at_the_bridge()))
    tear(counter, None)
    assert erased(counter, card).facts["reusable"]
    counter.actor = None
    put_in_again(counter)
    issue_a_real_one(counter, a_person())


def tear(counter: Counter, at: int | None) -> None:
    chip = counter.chip()
    chip.behaviour = replace(chip.behaviour, tear=Tear(at, takes_effect=True) if at else None)
    chip.save()
    put_in_again(counter)


def test_a_published_key_that_cannot_be_changed_is_refused(
    counter: Counter, holder: Person
) -> None:
    counter.put_in("fixed-management-key")
    with pytest.raises(FactoryKeyFixed):
        issue_a_real_one(counter, holder)


def test_the_key_is_kept_sealed_and_its_import_recorded(
    app: Flask, office: Office, tmp_path: Path
) -> None:
    imports(app, tmp_path, "--guid", "AB" * 16, "--algorithm", "3DES")
    row = db.session.scalars(select(ImportedManagementKey)).one()
    assert row.named == "guid " + "ab" * 16
    assert KEY not in row.key_sealed
    event = db.session.scalars(
        select(AuditEvent).filter_by(event="card.management-key-imported")
    ).one()
    assert KEY.hex() not in str(event.facts)


def test_the_same_key_again_is_no_harm_and_another_is_refused(
    app: Flask, office: Office, tmp_path: Path
) -> None:
    words = ("--serial", SERIAL, "--algorithm", "AES192")
    imports(app, tmp_path, *words)
    assert "known already" in imports(app, tmp_path, *words).output
    other = imports(app, tmp_path, *words, key="77" * 24)
    assert other.exit_code == 1
    assert "another key for serial 4711 already" in other.output


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        (("--serial", "1"), "xyz", "hexadecimal"),
        (("--serial", "1"), "77" * 24, "say --algorithm"),
        (("--serial", "1"), "77" * 5, "5 bytes"),
        (("--serial", "1"), "0102030405060708" * 2, "published"),
        ((), "77" * 16, "--serial or by --guid"),
    ],
)
def test_what_is_no_key_or_no_secret_is_refused_in_words(
    app: Flask, office: Office, tmp_path: Path, words: tuple[str, ...], key: str, said: str
) -> None:
    refused = imports(app, tmp_path, *words, key=key)
    assert refused.exit_code != 0
    assert said in refused.output
