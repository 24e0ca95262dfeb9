"""What an operation is: a table of steps. What one step has at hand, and what may follow from it.

How operations run, and how their results come in, is ``journal``.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import EllipsisType
from typing import Any, ClassVar

from sqlalchemy import bindparam, update
from sqlalchemy.orm.attributes import set_committed_value

from app import audit
from app.card_operations import card_rows, statements
from app.card_operations.certificates import newest
from app.card_operations.office import Office
from app.card_operations.statements import Expected, KnownKey, Statement
from app.card_operations.tickets import Work
from app.domain.errors import NotFound
from app.domain.principal import Principal
from app.domain.statuses import KeyState, Outcome, WorkstationStatus
from app.extensions import db
from app.models import BridgeConnection, Card, CardKey, CardOperation, CardOperationStep, Session
from reader_bridge.contract import Hold, Purpose, Slot, Stage

Result = dict[str, Any]  # the bridge's answer to one item of work


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What one ticket has the card do. ``card`` is the GUID that it must show when it opens."""

    work: list[Work]
    card: str | None
    hold: Hold = Hold.NOTHING
    continues: bool = False
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class GoOn:
    """The step's answer is good; the card is asked for ``step`` at once."""

    step: str


@dataclass(frozen=True)
class Pause:
    """The step's answer is good; a person has to do something before ``step``."""

    step: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""

    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refuse:
    """A rule says no, for good: the operation is over, and what was written down of it stays."""

    facts: dict[str, Any] = field(default_factory=dict)


Move = GoOn | Pause | Done | Refuse


# A card that was put in again, or that somebody works on, says nothing of this one
_NOTE_PRESENCE = (
    update(Session)
    .where(
        Session.id == bindparam("of_session"),
        Session.card_id == bindparam("of_card"),
        Session.seat == bindparam("in_seat"),
        Session.ended_at.is_(None),
    )
    .values(last_presence_at=bindparam("now"), presence_asked_at=None, busy_since=None)
)


@dataclass(frozen=True)
class Turn:
    """One step of one operation, with everything that is needed to ask or to judge.

    ``said`` is what the card has signed in it so far.
    """

    operation: CardOperation
    step: CardOperationStep
    connection: BridgeConnection
    office: Office
    now: datetime
    actor: Principal | None
    said: list[Statement] = field(default_factory=list)

    @property
    def nonce(self) -> str:
        assert self.step.nonce is not None
        return self.step.nonce

    @property
    def card(self) -> Card:
        if self.operation.card is None:
            raise NotFound("card")
        return self.operation.card

    @property
    def is_vouched_for(self) -> bool:
        """Whether somebody answers for what the workstation signs without the card.

        Anybody can make the key of a workstation. One that is enrolled was looked at, and whoever
        is signed in has shown a card.
        """
        enrolled = self.connection.workstation.status is WorkstationStatus.ENROLLED
        return enrolled or self.operation.session_id is not None

    def locked_card(self) -> Card:
        """The card, with its holder, keys and certificates as they are under its lock."""
        operation = self.operation
        card = card_rows.locked(operation.card_id) if operation.card_id is not None else None
        if card is None:
            raise NotFound("card")
        set_committed_value(operation, "card", card)
        if card.person_id == operation.person_id:
            set_committed_value(operation, "person", card.person)
        return card

    def sign(self, key: KnownKey, purpose: Purpose, **more: Any) -> Work:
        """The item of work that makes a statement for this step."""
        return {
            "command": "sign",
            "slot": key.slot.value,
            "algorithm": key.algorithm.value,
            "purpose": purpose.value,
            "nonce": self.nonce,
            **more,
        }

    def statement(
        self,
        result: Result,
        key: KnownKey,
        purpose: Purpose,
        *,
        sha256: str | None = None,
        jkt: str | None = None,
        guid: str | EllipsisType | None = ...,
    ) -> Statement:
        """Check the statement in a result; a card that made one is present.

        ``guid`` is what the card shows, where that may be another than its own, or none.

        Raises:
            StatementRefused: it does not hold.
        """
        expected = Expected(
            origin=self.office.origin,
            purpose=purpose,
            nonce=self.nonce,
            card=self.card.guid if guid is ... else guid,
            seat=str(self.operation.seat),
            instance=self.connection.instance,
            sha256=sha256,
            jkt=jkt,
        )
        made = statements.verify(result.get("statement"), key, expected)
        self.said.append(made)
        return made

    def note_presence(self) -> None:
        """Keep that the session's card is there, if it has said anything in this turn."""
        operation = self.operation
        if not self.said or operation.session_id is None or operation.card_id is None:
            return
        db.session.connection().execute(
            _NOTE_PRESENCE,
            {
                "of_session": operation.session_id,
                "of_card": operation.card_id,
                "in_seat": operation.seat,
                "now": self.now,
            },
        )

    def record(
        self, event: str, outcome: Outcome, *, by_holder: bool = False, **facts: Any
    ) -> None:
        """Write an event of this operation to the audit log, in this transaction.

        ``by_holder`` says that the card's holder did it, also while nobody is signed in yet.
        """
        operation = self.operation
        audit.record(
            event,
            outcome=outcome,
            actor=self.actor or (operation.person if by_holder else None),
            subject_person_id=operation.person_id,
            subject_card_id=operation.card_id,
            workstation_id=self.connection.workstation_id,
            now=self.now,
            operation=operation.public_id,
            **facts,
        )


class Operation(ABC):
    """A kind of operation: a table of steps. One object per kind; all state is in the journal."""

    kind: ClassVar[str]
    event: ClassVar[str]  # what the audit log calls it
    first_step: ClassVar[str]
    sends_secrets: ClassVar[bool] = False  # then only to workstations that are enrolled
    survives_refusal: ClassVar[bool] = False  # whether a bad statement leaves it to be continued
    exclusive: ClassVar[bool] = False  # whether nobody else may work on the card meanwhile

    @abstractmethod
    def ask(self, turn: Turn) -> Ask:
        """What the ticket of ``turn.step`` has the card do."""

    @abstractmethod
    def accept(self, turn: Turn, results: list[Result]) -> Move:
        """Judge the card's answers, change what follows from them, and say where to go.

        Raises:
            StatementRefused, ManagementRefused: the card is not proven.
            RuleBroken: a rule says no.
        """

    def card_said_no(self, turn: Turn, code: str, facts: Mapping[str, Any], sure: bool) -> Move:
        """Judge an error. ``sure`` says that the workstation has signed for it.

        What is kept of it for good needs more: ``Turn.is_vouched_for``.
        Unless overridden, the step may be tried again.
        """
        return Pause(turn.step.name, code, dict(facts))

    def resumes_at(self, operation: CardOperation) -> str:
        """The step with which an operation that stands still goes on."""
        return operation.step

    def known_of(self, operation: CardOperation) -> dict[str, Any]:
        """The facts with which it goes on under a new name, which has none of its steps."""
        return dict(operation.facts)


KINDS: dict[str, Operation] = {}


def exclusive_kinds() -> list[str]:
    """The kinds of operations beside which nobody else may work on the card."""
    return [each.kind for each in KINDS.values() if each.exclusive]


Follows = Callable[[Turn], None]
WHEN_DONE: defaultdict[str, list[Follows]] = defaultdict(list)


def register(operation: Operation) -> Operation:
    KINDS[operation.kind] = operation
    return operation


def when_done(kind: str) -> Callable[[Follows], Follows]:
    """Have a function called when an operation of this kind is done, inside its transaction.

    For what follows from an operation and is not the card's: mail, a request that is fulfilled.
    A rule that says no there undoes what the last answer did, and refuses the operation.
    """

    def register_it(follows: Follows) -> Follows:
        WHEN_DONE[kind].append(follows)
        return follows

    return register_it


def key_of(card: Card, slot: Slot, state: KeyState = KeyState.CURRENT) -> KnownKey | None:
    """The key that the server believes to be in a slot of a card."""
    row = key_row(card, slot, state)
    return KnownKey.from_der(slot, row.public_key) if row else None


def key_row(card: Card, slot: Slot, state: KeyState = KeyState.CURRENT) -> CardKey | None:
    return newest([each for each in card.keys if each.slot == slot and each.state is state])
