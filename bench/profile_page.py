"""The profile, against a page with the same layout that asks the database for one row."""

import tempfile
from dataclasses import replace
from pathlib import Path

from flask import Flask, render_template
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import select

import config as settings
from app import create_app
from app.blueprints.permissions import open_to_all, principal
from app.extensions import db
from app.models import Person
from bench.figures import Figure, compared
from bench.installed import whole_service
from bench.sign_in import one_sign_in, without_terms
from tests.parts import postgres
from tests.parts.service import Service
from tests.parts.visitor import HOLDER

ROUNDS = 300
MOST_TIMES_THE_FLOOR = {"SQLite": 2.0, "PostgreSQL": 3.0}
FLOOR = """{% extends "layout.html" %}{% block heading %}{{ name }}{% endblock %}"""


def measure() -> list[Figure]:
    with whole_service() as service, tempfile.TemporaryDirectory() as folder:
        service.desk.insert(HOLDER)
        without_terms(service)
        _, page = one_sign_in(service)
        sqlite = f"sqlite:///{service.database}"
        try:
            databases = {"SQLite": sqlite, "PostgreSQL": as_postgres(service, sqlite, Path(folder))}
            return [
                on_database(name, service, page.cookies, uri) for name, uri in databases.items()
            ]
        finally:
            postgres.stop(Path(folder))


def as_postgres(service: Service, sqlite: str, folder: Path) -> str:
    """Return a PostgreSQL database that holds what the service's SQLite file holds."""
    uri = postgres.database(folder, "bench")
    replace(service.installation, settings={"DATABASE_URL": uri}).flask("db", "upgrade")
    postgres.copy_rows(sqlite, uri)
    return uri


def on_database(name: str, service: Service, cookies: dict[str, str], uri: str) -> Figure:
    environment = service.installation.environment
    app = create_app(
        settings.load(environment | {"LOG_LEVEL": "ERROR", "DATABASE_URL": uri}),
    )
    add_floor(app)
    client = app.test_client()
    for cookie, value in cookies.items():
        client.set_cookie(cookie, value, domain="127.0.0.1")

    def fetch(address: str) -> None:
        answer = client.get(address, base_url=service.origin)
        assert answer.status_code == 200, f"{address}: {answer.status}"

    found = compared(lambda: fetch("/profile"), lambda: fetch("/floor"), ROUNDS)
    most = MOST_TIMES_THE_FLOOR[name]
    return Figure(
        name=f"profile page, {name}",
        value=found.value,
        unit="ms",
        floor=found.floor,
        goal=most * found.floor,
        goal_in_words=f"{most} × a page with one row, same layout",
        conditions=f"median of {ROUNDS}: Flask's test client, signed in",
    )


def add_floor(app: Flask) -> None:
    """Add the least page that can be called a page of this service."""
    assert app.jinja_loader is not None
    app.jinja_loader = ChoiceLoader([app.jinja_loader, DictLoader({"floor.html": FLOOR})])

    @app.get("/floor")
    @open_to_all
    def floor() -> str:
        query = select(Person.given_name).where(Person.id == principal().person_id)
        return render_template("floor.html", name=db.session.scalar(query))
