"""`flask demonstration`: invented people and their cards, where DEMONSTRATION is on."""

import click
from flask.cli import with_appcontext

from app import clock
from app.cli.demonstration_cards import cards
from app.services.demonstration import PLAN, REGISTRATIONS, NotADemonstration, seed


@click.group("demonstration")
def demonstration() -> None:
    """Invented people and cards, for demonstrations and training."""


@demonstration.command("people")
@with_appcontext
def people() -> None:
    """Make the demonstration's organisations, people and terms; what is there already stays."""
    try:
        made = seed(clock.now())
    except NotADemonstration:
        raise click.ClickException(
            "DEMONSTRATION is off. Invented people do not belong among real ones."
        ) from None
    click.echo(
        f"{made.organisations} organisations, {made.positions} positions, {made.people} people, "
        f"{made.terms} terms made"
    )


@demonstration.command("passcodes")
def passcodes() -> None:
    """Say which cards there are, and which passcode to type."""
    for card in PLAN:
        if card.uuid is not None:
            click.echo(f"{card.name:<22} {card.passcode:<10} {card.shows}")


@demonstration.command("answers")
def answers() -> None:
    """Say who is registered for self-service at first, and what they answered."""
    names = {card.uuid: card.name for card in PLAN}
    for planned in REGISTRATIONS:
        click.echo(names[planned.uuid])
        for question, answer in planned.answers:
            click.echo(f"  {question} {answer}")


demonstration.add_command(cards)
