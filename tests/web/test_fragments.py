"""Which requests get a part of a page, and which the whole of it."""

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import FRAGMENT


@pytest.mark.parametrize(
    "headers",
    [
        {},
        FRAGMENT | {"HX-Boosted": "true"},
        FRAGMENT | {"HX-History-Restore-Request": "true"},
    ],
    ids=["a browser", "a boosted link", "the back button"],
)
def test_these_get_the_whole_page(trial: FlaskClient, headers: dict[str, str]) -> None:
    assert "<html" in trial.get("/trial/parts", headers=headers).text


def test_an_element_gets_its_part(trial: FlaskClient) -> None:
    answer = trial.get("/trial/parts", headers=FRAGMENT)
    assert answer.status_code == 200
    assert "<html" not in answer.text
