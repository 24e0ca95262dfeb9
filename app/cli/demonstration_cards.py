"""`flask demonstration cards`: the planned cards, issued as an agent would issue them."""

from dataclasses import dataclass

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from app import clock
from app.card_operations import age
from app.card_operations.office import current_office
from app.cli.bridge_page import BridgePage
from app.cli.bridges import BridgeAddress, introduced
from app.cli.cards import finished, issue_to, run
from app.domain.card_lifecycle import CardStatus
from app.domain.errors import SignInRefused
from app.domain.statuses import PersonStatus
from app.extensions import db
from app.models import Card, Person
from app.services import sign_in, workstations
from app.services.demonstration import PLAN, PlannedCard, PlannedState
from app.services.demonstration.cards import EXPIRING_IN_DAYS
from app.services.demonstration.ended import before_leaving, bring_to_an_end
from reader_bridge.contract import Algorithm

BEHAVIOURS = {True: "digits-63c0", False: "default"}  # by whether the card takes digits alone
DAYS_BACK = {
    PlannedState.EXPIRING: 730 - EXPIRING_IN_DAYS,
    PlannedState.EXPIRED: 731,
}
WRONG_TRIES = {PlannedState.NEAR_LOCKED: 2, PlannedState.LOCKED: 3}
WRONG = {True: "000001", False: "wrong-00"}


@dataclass
class Counts:
    issued: int = 0
    there: int = 0


@click.command("cards")
@click.option("--bridge", type=BridgeAddress(), help="127.0.0.1:PORT; looked for otherwise.")
@with_appcontext
def cards(bridge: int | None) -> None:
    """Make and issue the demonstration's virtual cards; what is there already stays."""
    if not current_office().demonstration:
        raise click.ClickException("DEMONSTRATION is off.")
    counts = Counts()
    with introduced(bridge) as (page, met):
        if not met.enrolled:
            workstations.enrol(met.thumbprint, name=None, actor=None, now=clock.now())
        reader = page.desk("list")["readers"][0]["reader"]
        for planned in PLAN:
            page.desk("make", card=planned.name, behaviour=BEHAVIOURS[planned.digits_only])
            _make(planned, page, reader, counts)
        if reader in page.seats:
            page.desk("remove", reader=reader)
    click.echo(f"{counts.issued} cards issued, {counts.there} were there already")


def _make(planned: PlannedCard, page: BridgePage, reader: str, counts: Counts) -> None:
    if planned.uuid is None:
        return
    known = db.session.scalar(select(Card).where(Card.number == planned.number))
    if known is not None and known.status is not CardStatus.BLANK:
        counts.there += 1
        return
    person = db.session.scalar(select(Person).where(Person.uuid == planned.uuid))
    if person is None:
        raise click.ClickException("there are no people yet: `flask demonstration people` first")
    left = person.status
    _set_status(person, PersonStatus.OPEN)  # whoever has left had a card before
    page.desk("insert", card=planned.name, reader=reader)
    with before_leaving(person):
        made = issue_to(
            person,
            page,
            reader,
            planned.passcode,
            algorithm=Algorithm(planned.algorithm),
            number=planned.number,
        )
    card = db.session.scalars(select(Card).where(Card.guid == made["guid"])).one()
    card.self_renewals_in_row = planned.self_renewals
    _set_status(person, left)
    if planned.state in DAYS_BACK:
        _age(card, DAYS_BACK[planned.state], page, reader)
    for _ in range(WRONG_TRIES.get(planned.state, 0)):
        _try_wrong_passcode(card, planned, page, reader)
    bring_to_an_end(card, planned.state, now=clock.now())
    counts.issued += 1


def _set_status(person: Person, status: PersonStatus) -> None:
    person.status = status
    db.session.commit()


def _age(card: Card, days: int, page: BridgePage, reader: str) -> None:
    first = age.start(
        card,
        days,
        sid=page.sid,
        seat=page.seats[reader],
        browser=page.browser,
        actor=None,
        office=current_office(),
        now=clock.now(),
    )
    finished(run(page, first))


def _try_wrong_passcode(card: Card, planned: PlannedCard, page: BridgePage, reader: str) -> None:
    """As somebody would who found the card."""
    try:
        first = sign_in.start(
            sid=page.sid,
            seat=page.seats[reader],
            guid=card.guid,
            browser=page.browser,
            office=current_office(),
            now=clock.now(),
        )
    except SignInRefused as refusal:
        raise click.ClickException(f"{planned.name}: {refusal.reason}") from refusal
    run(page, first, passcode=WRONG[planned.digits_only])
