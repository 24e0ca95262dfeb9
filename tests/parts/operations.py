"""Rows of card operations, for tests that need one half done and no card in a reader."""

import itertools
from datetime import datetime

from app.domain.principal import Principal
from app.domain.statuses import OperationState
from app.extensions import db
from app.models import Card, CardOperation, CardOperationStep
from tests.parts.clock import START

_numbers = itertools.count(1)


def an_operation(
    card: Card,
    kind: str,
    step: str,
    *,
    state: OperationState = OperationState.OPEN,
    now: datetime = START,
    actor: Principal | None = None,
) -> CardOperation:
    """An operation whose ticket for ``step`` was the last to leave."""
    number = next(_numbers)
    operation = CardOperation(
        public_id=f"operation-{number}",
        kind=kind,
        state=state,
        step=step,
        card=card,
        person_id=card.person_id,
        actor_person_id=actor.person_id if actor else None,
        browser="b" * 64,
        started_at=now,
        updated_at=now,
    )
    operation.steps.append(
        CardOperationStep(number=1, name=step, jti=f"jti-{number}", ticket_at=now)
    )
    db.session.add(operation)
    db.session.commit()
    return operation
