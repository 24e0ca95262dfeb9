"""`flask cards check`, as an administrator reads it."""

import pytest
from click.testing import Result
from flask import Flask

from app.cli.card_check import WORDS
from app.domain.statuses import OperationState
from app.extensions import db
from app.services.card_check import Problem
from tests.parts.operations import an_operation
from tests.services.test_card_check import pending, sound

pytestmark = pytest.mark.usefixtures("db_session")


def check(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["cards", "check", *options])


def test_where_all_is_well_it_says_so(app: Flask) -> None:
    sound()
    told = check(app)
    assert (told.exit_code, told.output) == (0, "0 wrong, 0 waiting for a person\n")


def test_what_waits_is_listed_and_is_no_error(app: Flask) -> None:
    an_operation(sound(), "renew", "first", state=OperationState.WAITING)
    told = check(app)
    assert told.exit_code == 0
    assert "renew stopped half way" in told.output
    assert check(app, "--quiet").output == "0 wrong, 1 waiting for a person\n"


def test_what_is_wrong_is_marked_and_is_an_error(app: Flask) -> None:
    pending(sound())
    db.session.commit()
    told = check(app, "--quiet")
    assert told.exit_code == 1
    assert told.output.startswith("! card ")


def test_every_problem_has_its_words() -> None:
    assert set(WORDS) == set(Problem)
