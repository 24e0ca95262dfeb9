"""The profile, against a page with the same layout that asks the database for one row."""

from flask import Flask, render_template
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import select

import config as settings
from app import create_app
from app.blueprints.permissions import open_to_all, principal
from app.extensions import db
from app.models import Person
from bench.figures import Figure, median_ms, side_by_side
from bench.installed import whole_service
from bench.sign_in import one_sign_in, without_terms
from tests.parts.visitor import HOLDER

ROUNDS = 200
MOST_TIMES_THE_FLOOR = 2.0
FLOOR = """{% extends "layout.html" %}{% block heading %}{{ name }}{% endblock %}"""


def measure() -> list[Figure]:
    with whole_service() as service:
        service.desk.insert(HOLDER)
        without_terms(service)
        _, page = one_sign_in(service)
        environment = service.installation.environment
        app = create_app(settings.load(environment | {"LOG_LEVEL": "ERROR"}))
        add_floor(app)
        client = app.test_client()
        for name, value in page.cookies.items():
            client.set_cookie(name, value, domain="127.0.0.1")

        def fetch(address: str) -> None:
            answer = client.get(address, base_url=service.origin)
            assert answer.status_code == 200, f"{address}: {answer.status}"

        times, floors = side_by_side(lambda: fetch("/profile"), lambda: fetch("/floor"), ROUNDS)
    value, floor = median_ms(times), median_ms(floors)
    return [
        Figure(
            name="profile page",
            value=value,
            unit="ms",
            floor=floor,
            goal=MOST_TIMES_THE_FLOOR * floor,
            goal_in_words=f"{MOST_TIMES_THE_FLOOR} × a page with one row, same layout",
            conditions=f"median of {ROUNDS}: Flask's test client, SQLite, signed in",
        )
    ]


def add_floor(app: Flask) -> None:
    """Add the least page that can be called a page of this service."""
    assert app.jinja_loader is not None
    app.jinja_loader = ChoiceLoader([app.jinja_loader, DictLoader({"floor.html": FLOOR})])

    @app.get("/floor")
    @open_to_all
    def floor() -> str:
        query = select(Person.given_name).where(Person.id == principal().person_id)
        return render_template("floor.html", name=db.session.scalar(query))
