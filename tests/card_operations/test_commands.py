"""`flask cards issue` and `flask demonstration cards`, over the real bridge."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app import clock
from app.cli.cards import cards as cards_group
from app.cli.demonstration import demonstration
from app.cli.workstations import workstations as workstations_group
from app.domain.card_lifecycle import CardStatus
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import Card, Person, Workstation
from app.services.demonstration import PLAN, PlannedState
from tests.card_operations.conftest import PASSCODE, Counter
from tests.parts.bridge import READER_1, RunningBridge


@pytest.fixture
def run(app: Flask, counter: Counter, bridge: RunningBridge, monkeypatch):
    """Runs a command of the service, on the machine's own clock."""
    monkeypatch.setitem(app.extensions, "clock", clock.system_clock)

    def run(group, *arguments: str, answer: int = 0) -> str:
        done = app.test_cli_runner().invoke(group, list(arguments))
        assert done.exit_code == answer, done.output
        db.session.expire_all()
        return done.stdout if answer == 0 else done.output

    return run


def issue_options(bridge: RunningBridge, passcode: Path) -> list[str]:
    passcode.write_text(f"{PASSCODE}\n")
    return [
        "--bridge", f"127.0.0.1:{bridge.port}",
        "--reader", READER_1,
        "--passcode-file", str(passcode),
    ]  # fmt: skip


def test_a_card_is_issued_from_the_command_line(
    run, counter: Counter, bridge: RunningBridge, holder: Person, tmp_path: Path
) -> None:
    counter.put_in()
    said = run(cards_group, "issue", holder.uuid, *issue_options(bridge, tmp_path / "passcode"))
    card = db.session.scalars(select(Card)).one()
    assert card.status is CardStatus.ISSUED
    assert card.number in said
    assert PASSCODE not in said


def test_what_stands_in_the_way_is_said_in_words(
    run, counter: Counter, bridge: RunningBridge, holder: Person, tmp_path: Path
) -> None:
    options = issue_options(bridge, tmp_path / "passcode")
    assert "no person" in run(cards_group, "issue", "1", *options, answer=1)
    assert "no card" in run(cards_group, "issue", holder.uuid, *options, answer=1)
    counter.put_in()
    counter.introduce(WorkstationStatus.SEEN)
    assert "not enrolled" in run(cards_group, "issue", holder.uuid, *options, answer=1)
    thumbprint = db.session.scalars(select(Workstation.thumbprint)).one()
    assert thumbprint in run(workstations_group, "list")
    assert "enrolled" in run(workstations_group, "enrol", thumbprint)
    run(cards_group, "issue", holder.uuid, *options)
    assert "blocked" in run(workstations_group, "block", thumbprint)
    run(workstations_group, "enrol", "nobody's", answer=1)


def test_the_demonstrations_cards_are_as_planned_and_made_once(
    run, counter: Counter, bridge: RunningBridge
) -> None:
    run(demonstration, "people")
    said = run(demonstration, "cards", "--bridge", str(bridge.port))
    planned = [each for each in PLAN if each.uuid is not None]
    assert said == f"{len(planned)} cards issued, 0 were there already\n"
    statuses = {PlannedState.SUSPENDED, PlannedState.CANCELLED, PlannedState.LOCKED}
    for each in planned:
        card = db.session.scalars(select(Card).where(Card.number == each.number)).one()
        expected = each.state.value if each.state in statuses else "issued"
        assert (each.name, card.status.value) == (each.name, expected)
        assert card.self_renewals_in_row == each.self_renewals
    left = {each["card"]: each["passcode_left"] for each in counter.page.desk("list")["cards"]}
    for each in planned:
        tries = {PlannedState.LOCKED: 0, PlannedState.NEAR_LOCKED: 1}.get(each.state, 3)
        assert (each.name, left[each.name]) == (each.name, tries)
    again = run(demonstration, "cards", "--bridge", str(bridge.port))
    assert again == f"0 cards issued, {len(planned)} were there already\n"
