"""The terms and conditions: which text is in force, who has to accept it, and publishing a new one.

Accepting is a card operation: the card's signature key signs the digest of the text.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app import audit
from app.domain.errors import Conflict, NotFound
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome
from app.domain.terms_rule import TermsDue, terms_due
from app.extensions import db
from app.models import TermsAcceptance, TermsVersion


def current() -> TermsVersion | None:
    """Return the text in force: the newest version; None before the first is published."""
    return db.session.scalar(select(TermsVersion).order_by(TermsVersion.version.desc()).limit(1))


def version(number: int) -> TermsVersion:
    """Return one version of the text.

    Raises:
        NotFound: there is none with this number.
    """
    found = db.session.scalar(select(TermsVersion).where(TermsVersion.version == number))
    if found is None:
        raise NotFound("terms", number)
    return found


@dataclass(frozen=True)
class Due:
    """A text to be accepted, why, and when the person accepted one last, if ever."""

    terms: TermsVersion
    why: TermsDue
    last_accepted_at: datetime | None


def due(person_id: int, *, now: datetime) -> Due | None:
    """Return the text that a person has to accept before anything else, or None."""
    in_force = current()
    if in_force is None:
        return None
    last = last_acceptance(person_id)
    why = terms_due(
        current_version=in_force.version,
        accepted_version=last.terms.version if last else None,
        accepted_at=last.accepted_at if last else None,
        now=now,
    )
    return Due(in_force, why, last.accepted_at if last else None) if why else None


def last_acceptance(person_id: int) -> TermsAcceptance | None:
    """Return what a person accepted last, of whatever version."""
    return db.session.scalar(
        select(TermsAcceptance)
        .where(TermsAcceptance.person_id == person_id)
        .order_by(TermsAcceptance.accepted_at.desc(), TermsAcceptance.id.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class Published:
    """One version, and how many people have accepted it."""

    version: int
    title: str
    sha256: str
    published_at: datetime
    accepted: int


def published() -> list[Published]:
    """Return all versions, the newest first."""
    accepted = (
        select(func.count(func.distinct(TermsAcceptance.person_id)))
        .where(TermsAcceptance.terms_id == TermsVersion.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            TermsVersion.version,
            TermsVersion.title,
            TermsVersion.sha256,
            TermsVersion.published_at,
            accepted,
        ).order_by(TermsVersion.version.desc())
    )
    return [Published(*row) for row in rows]


class OtherVersion(Conflict):
    """The text would get another number than its publisher thinks. ``following`` is that number."""

    reason = "other-terms-version"

    def __init__(self, following: int) -> None:
        super().__init__(following=following)
        self.following = following


class EmptyTerms(Conflict):
    """There is nothing to read in the text."""

    reason = "terms-empty"


def publish(
    *,
    title: str,
    text: str,
    actor: Principal | None,
    now: datetime,
    version: int | None = None,
) -> TermsVersion:
    """Put a new text in force, from now on. ``actor`` is None on the command line only.

    ``version`` is the number that the publisher expects it to get: the same text is not published
    twice by mistake. Whoever is signed in is asked at their next sign-in.

    Raises:
        NotAllowed: the actor's role may not.
        EmptyTerms, OtherVersion: nothing was published.
    """
    if actor is not None:
        actor.demand(Permission.MANAGE_TERMS)
    following = (db.session.scalar(select(func.max(TermsVersion.version))) or 0) + 1
    if version not in (None, following):
        raise OtherVersion(following)
    if not text.strip():
        raise EmptyTerms
    published = TermsVersion(
        version=following,
        title=title,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        published_at=now,
    )
    db.session.add(published)
    audit.record(
        "terms.published",
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        version=published.version,
        sha256=published.sha256,
    )
    db.session.commit()
    return published
