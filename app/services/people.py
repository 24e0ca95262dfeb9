"""Changing what the service knows of a person."""

from datetime import datetime
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select

from app import audit
from app.domain.contact_details import mobile_problem, telephone_problem, telephone_written
from app.domain.errors import Invalid, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome
from app.extensions import db
from app.models import Person
from app.services import alerts
from app.services.keys import vault

EMAIL_LENGTH = 254


class EmailProblem(StrEnum):
    INVALID = "email-invalid"
    TOO_LONG = "email-too-long"
    MISSING = "email-missing"
    LETTERS = "email-letters"


def update_contact_details(
    actor: Principal,
    *,
    email: str,
    telephone: str,
    mobile: str,
    now: datetime,
) -> list[str]:
    """Change one's own contact details. Empty telephone numbers are allowed, no email is not.

    The address before, the new one and that of self-service are told. Return the names of the
    fields that changed; nothing is written where there are none.

    Raises:
        NotAllowed: the actor may not.
        Invalid: says for each field what is wrong with it.
    """
    actor.demand(Permission.CHANGE_OWN_CONTACT_DETAILS)
    wanted = contact_details(email=email, telephone=telephone, mobile=mobile)
    person = db.session.scalar(select(Person).where(Person.id == actor.person_id).with_for_update())
    if person is None:
        raise NotFound("person", actor.person_id)
    before = person.email
    changed = [field for field, value in wanted.items() if getattr(person, field) != value]
    if not changed:
        db.session.rollback()
        return []
    for field in changed:
        setattr(person, field, wanted[field])
    person.modified_at = now
    audit.record(
        "person.contact-details-changed",
        outcome=Outcome.DONE,
        actor=actor,
        subject_person_id=person.id,
        now=now,
        fields=changed,
    )
    alerts.alert(person, "contact-details-changed", now=now, also=[before], fields=changed)
    db.session.commit()
    return changed


def contact_details(*, email: str, telephone: str, mobile: str) -> dict[str, str | None]:
    """Return contact details as they are kept.

    Raises:
        Invalid: says for each field what is wrong with it.
    """
    problems: dict[str, StrEnum] = {}
    kept: dict[str, str | None] = {}
    try:
        kept["email"] = email_written(email)
    except NoEmail as error:
        problems["email"] = error.problem
    for field, text, judge in (
        ("telephone", telephone.strip(), telephone_problem),
        ("mobile", mobile.strip(), mobile_problem),
    ):
        problem = judge(text) if text else None
        if problem is not None:
            problems[field] = problem
        kept[field] = telephone_written(text) if text else None
    if problems:
        raise Invalid(problems)
    return kept


def email_written(text: str) -> str:
    """Return an email address in its normal form. Whether it exists is not asked.

    Before the @ it is of plain letters: other ones (RFC 6531) reach nobody unless every mail
    server on the way takes them. After the @ any letters do, they are written in plain ones.

    Raises:
        NoEmail: it is none.
    """
    text = text.strip()
    if not text:
        raise NoEmail(EmailProblem.MISSING)
    if len(text) > EMAIL_LENGTH:
        raise NoEmail(EmailProblem.TOO_LONG)
    try:
        validated = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise NoEmail(EmailProblem.INVALID) from error
    if validated.smtputf8:
        raise NoEmail(EmailProblem.LETTERS)
    return validated.normalized


def opened_nino(uuid: str, sealed: bytes) -> str:
    """Open a person's National Insurance number.

    Raises:
        CannotOpen: it was sealed for somebody else, or its key is not here.
    """
    return vault().open(sealed, table="person", column="nino_sealed", row=uuid).decode()


def seal_nino(person: Person, nino: str) -> None:
    """Keep a National Insurance number, sealed and findable. Part of the caller's action."""
    nino = "".join(nino.split()).upper()
    person.nino_sealed = vault().seal(
        nino.encode(), table="person", column="nino_sealed", row=person.uuid
    )
    person.nino_index = vault().blind_index("nino", nino)


class NoEmail(ValueError):
    """What was typed is no email address that mail can go to; ``problem`` says why."""

    def __init__(self, problem: EmailProblem) -> None:
        super().__init__(problem)
        self.problem = problem
