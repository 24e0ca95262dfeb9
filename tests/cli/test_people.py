"""`flask people create-first-manager`."""

import pytest
from click.testing import Result
from flask import Flask

from app.cli.people import WORDS
from app.services.first_manager import Problem

pytestmark = pytest.mark.usefixtures("db_session")

ANSWERS = [
    "5002 0030 0901",
    "Ms",
    "Zoë",
    "O’Brien",
    "zoe@northmere.nhs.uk",
    "rx9",
    "Northmere Hospital",
]


def create(app: Flask, *answers: str) -> Result:
    return app.test_cli_runner().invoke(
        args=["people", "create-first-manager"], input="\n".join(answers) + "\n"
    )


def test_it_asks_for_everything_and_says_how_to_go_on(app: Flask) -> None:
    made = create(app, *ANSWERS)
    assert made.exit_code == 0
    assert "Zoë O’Brien is RA Manager of Northmere Hospital" in made.output
    assert "cards issue 500200300901" in made.output


def test_a_second_one_is_not_made(app: Flask) -> None:
    create(app, *ANSWERS)
    again = create(app, "500200300902", *ANSWERS[1:])
    assert again.exit_code == 1
    assert "there is an RA Manager already: 500200300901" in again.output


def test_what_is_wrong_is_said_all_at_once(app: Flask) -> None:
    refused = create(app, "12", "Ms", "Zoë", "O’Brien", "nobody", "rx9", "Northmere Hospital")
    assert refused.exit_code == 1
    assert "--uuid: 12 digits" in refused.output
    assert "--email: no email address" in refused.output


def test_a_letter_that_no_mail_server_has_to_take_is_refused(app: Flask) -> None:
    refused = create(app, *("zoë@nhs.net" if "@" in each else each for each in ANSWERS))
    assert refused.exit_code == 1
    assert "accented letters before the @" in refused.output


def test_every_problem_has_its_words() -> None:
    assert set(WORDS) == set(Problem)
