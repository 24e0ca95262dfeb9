"""The table of states: what stopped half way, and mail that fails, where people look."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from tests.parts.state import State, signed_in
from tests.parts.visitor import CARDS, HOLDER, MANAGER, Visitor

STOPPED = """
INSERT INTO card_operation
    (public_id, kind, state, step, card_id, person_id, browser, facts, started_at, updated_at)
SELECT 'stopped-' || :kind, :kind, 'waiting', :step, card.id, card.person_id, 'elsewhere', '{}',
    datetime('now', '-1 hour'), datetime('now', '-1 hour')
FROM card JOIN person ON person.id = card.person_id WHERE person.uuid = :uuid
"""
STEP = """
INSERT INTO card_operation_step (operation_id, number, name, jti, ticket_at)
SELECT id, 1, step, public_id, started_at FROM card_operation WHERE public_id = 'stopped-' || :kind
"""
MAIL_FAILED = """
INSERT INTO outbox_message
    ("to", subject, template, body_text, created_at, not_before, attempts, failed_at, last_error)
VALUES ('nobody@northmere.nhs.uk', 'Subject', 'certificates-expire', 'Text', datetime('now'),
    datetime('now'), 8, datetime('now'), 'SMTPRecipientsRefused')
"""


def with_rows(
    show: Callable[[Visitor], None], *written: tuple[str, dict[str, str]]
) -> Callable[[Visitor], None]:
    """Show a page where rows were written beforehand."""

    def shown(visitor: Visitor) -> None:
        with closing(sqlite3.connect(visitor.service.database, timeout=10)) as database:
            for statement, values in written:
                database.execute(statement, values)
            database.commit()
        show(visitor)

    return shown


def stopped(kind: str, step: str) -> tuple[tuple[str, dict[str, str]], ...]:
    """The rows of an operation on the holder's card that stopped after this step's ticket."""
    uuid = str(CARDS[HOLDER].uuid)
    return ((STOPPED, {"kind": kind, "step": step, "uuid": uuid}), (STEP, {"kind": kind}))


RENEWAL, REPAIR = stopped("renew", "first"), stopped("repair", "keys")

UNFINISHED_STATES = (
    State(
        "profile, renewal stopped",
        "profile.show",
        with_rows(signed_in(address="/profile"), *RENEWAL),
        "stopped half way",
    ),
    State(
        "dashboard, repair stopped",
        "dashboard.show",
        with_rows(signed_in(), *REPAIR),
        "stopped half way",
    ),
    State(
        "dashboard of an RA Manager, repair stopped and mail fails",
        "dashboard.show",
        with_rows(signed_in(MANAGER, "RA Manager"), *REPAIR, (MAIL_FAILED, {})),
        "Mail is not being delivered",
    ),
)
