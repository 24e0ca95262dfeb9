"""How transactions behave, the same on both databases: reading, writing, and waiting in turn."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select, text, update

from app.database import is_sole_writer
from app.extensions import db
from app.models import Organisation, RateLimit
from tests.parts.at_once import at_once
from tests.parts.clock import START

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def counter(db_session):
    db.session.add(RateLimit(key="n", window_start=START, count=0))
    db.session.commit()


def value() -> int:
    db.session.rollback()
    return db.session.scalar(select(RateLimit.count))


@pytest.mark.usefixtures("counter")
def test_no_increment_is_lost_among_many_writers(app):
    def add_ten() -> None:
        for _ in range(10):
            db.session.execute(update(RateLimit).values(count=RateLimit.count + 1))
            db.session.commit()

    done = at_once(app, 8, add_ten)
    assert [each for each in done if each is not None] == []
    assert value() == 80


@pytest.mark.usefixtures("counter")
def test_a_reader_becomes_a_writer_without_being_refused(app):
    def read_then_write() -> None:
        for _ in range(5):
            db.session.scalar(select(func.count(Organisation.id)))
            db.session.execute(update(RateLimit).values(count=RateLimit.count + 1))
            db.session.commit()

    done = at_once(app, 8, read_then_write)
    assert [each for each in done if each is not None] == []
    assert value() == 40


@pytest.mark.usefixtures("counter")
def test_a_row_that_was_read_before_is_read_anew_for_update(app):
    def read_wait_and_add() -> None:
        for _ in range(5):
            seen = db.session.scalar(select(RateLimit))
            row = db.session.scalar(select(RateLimit).with_for_update())
            assert row is seen
            row.count = row.count + 1
            db.session.commit()

    done = at_once(app, 8, read_wait_and_add)
    assert [each for each in done if each is not None] == []
    assert value() == 40


@pytest.mark.usefixtures("counter")
def test_on_sqlite_who_has_begun_to_write_is_the_only_one_and_on_postgresql_never():
    def alone() -> bool:
        return is_sole_writer(db.session.connection())

    on_sqlite = db.engine.dialect.name == "sqlite"
    assert value() == 0
    assert not alone()
    db.session.scalar(select(RateLimit).with_for_update())
    assert alone() is on_sqlite
    db.session.commit()
    assert not alone()
    with db.session.begin_nested():
        assert alone() is on_sqlite
        db.session.execute(update(RateLimit).values(count=1))
    assert alone() is on_sqlite
    db.session.rollback()
    assert not alone()


@pytest.mark.usefixtures("counter")
def test_a_row_read_for_update_is_changed_by_one_at_a_time(app):
    def read_and_put_back() -> None:
        for _ in range(5):
            row = db.session.scalar(select(RateLimit).with_for_update())
            row.count = row.count + 1
            db.session.commit()

    done = at_once(app, 6, read_and_put_back)
    assert [each for each in done if each is not None] == []
    assert value() == 30


@pytest.mark.usefixtures("counter")
def test_nobody_sees_what_is_not_committed(app):
    wrote, looked = threading.Event(), threading.Event()
    seen: list[int] = []

    def write() -> None:
        with app.app_context():
            db.session.execute(update(RateLimit).values(count=99))
            wrote.set()
            looked.wait(timeout=10)
            db.session.rollback()

    writer = threading.Thread(target=write)
    writer.start()
    assert wrote.wait(timeout=10)
    seen.append(value())
    looked.set()
    writer.join()
    assert [*seen, value()] == [0, 0]


def test_a_savepoint_undoes_only_what_came_after_it():
    db.session.add(Organisation(code="A", name="kept"))
    nested = db.session.begin_nested()
    db.session.add(Organisation(code="B", name="undone"))
    db.session.flush()
    nested.rollback()
    db.session.commit()
    assert db.session.scalars(select(Organisation.code)).all() == ["A"]


def test_a_transaction_that_fails_leaves_the_queue_to_the_next(app):
    def fail() -> None:
        db.session.add(Organisation(code="SAME", name="one"))
        db.session.add(Organisation(code="SAME", name="two"))
        db.session.commit()

    done = at_once(app, 4, fail)
    assert {type(each).__name__ for each in done} == {"IntegrityError"}
    db.session.add(Organisation(code="SAME", name="now"))
    db.session.commit()


def test_moments_compare_in_the_database_as_they_do_in_python():
    for number, moment in enumerate([START, START + timedelta(microseconds=1)]):
        db.session.add(RateLimit(key=str(number), window_start=moment, count=0))
    db.session.commit()
    later = select(RateLimit.key).where(RateLimit.window_start > START)
    assert db.session.scalars(later).all() == ["1"]


def test_a_connection_that_was_closed_meanwhile_is_replaced_before_it_is_used():
    pooled = db.session.connection().connection.driver_connection
    db.session.rollback()
    if db.engine.dialect.name == "sqlite":
        pooled.close()
    else:
        administrator = create_engine(db.engine.url)
        with administrator.begin() as connection:
            end = text("SELECT pg_terminate_backend(:pid)")
            connection.execute(end, {"pid": pooled.info.backend_pid})
        administrator.dispose()
    assert db.session.scalar(select(func.count(Organisation.id))) == 0
