"""`flask people`: the person with whom an installation begins."""

import click
from flask.cli import AppGroup

from app import clock
from app.domain.errors import Invalid
from app.services.first_manager import ManagerThere, Problem, UuidTaken, create_first_manager

WORDS = {
    Problem.UUID: "12 digits, the first of them not 0",
    Problem.NAME: "missing, or too long",
    Problem.EMAIL: "no email address, or one with accented letters before the @",
    Problem.CODE: "the organisation's ODS code: 3 to 10 capital letters and digits",
}

people = AppGroup("people", help="People.")


@people.command("create-first-manager")
@click.option("--uuid", prompt="UUID (12 digits)")
@click.option("--title", prompt="Title", default="", show_default=False)
@click.option("--given-name", prompt="Given name")
@click.option("--family-name", prompt="Family name")
@click.option("--email", prompt="Email address")
@click.option("--organisation-code", prompt="ODS code of their organisation")
@click.option("--organisation-name", prompt="Name of their organisation")
def create(
    uuid: str,
    title: str,
    given_name: str,
    family_name: str,
    email: str,
    organisation_code: str,
    organisation_name: str,
) -> None:
    """Make the first RA Manager, and their organisation. Asks for what is not given.

    Refuses where there is a current RA Manager: from then on, they make the others.
    """
    try:
        made = create_first_manager(
            uuid="".join(uuid.split()),
            title=title,
            given_name=given_name,
            family_name=family_name,
            email=email,
            organisation_code=organisation_code.strip().upper(),
            organisation_name=organisation_name,
            now=clock.now(),
        )
    except Invalid as refused:
        raise click.ClickException(
            "; ".join(
                f"--{field}: {WORDS[Problem(why)]}" for field, why in refused.problems.items()
            )
        ) from None
    except ManagerThere as refused:
        raise click.ClickException(f"there is an RA Manager already: {refused.uuid}") from None
    except UuidTaken:
        raise click.ClickException(f"the UUID {uuid} is somebody's already") from None
    click.echo(
        f"{made.name} is RA Manager of {made.organisation.name}. Their card: "
        f"flask --app wsgi cards issue {made.uuid}"
    )
