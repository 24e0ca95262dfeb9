"""The terms and conditions: which text is in force, who has to accept it, and publishing a new one.

Accepting is a card operation: the card's signature key signs the digest of the text.
"""

import hashlib
from datetime import datetime

from sqlalchemy import func, select

from app import audit
from app.domain.errors import NotFound
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


def due(person_id: int, *, now: datetime) -> TermsVersion | None:
    """Return the text that a person has to accept before anything else, or None."""
    in_force = current()
    return in_force if in_force and why_due(in_force, person_id, now=now) else None


def why_due(in_force: TermsVersion, person_id: int, *, now: datetime) -> TermsDue | None:
    """Return why a person has to accept the text in force, or None."""
    last = last_acceptance(person_id)
    return terms_due(
        current_version=in_force.version,
        accepted_version=last.terms.version if last else None,
        accepted_at=last.accepted_at if last else None,
        now=now,
    )


def last_acceptance(person_id: int) -> TermsAcceptance | None:
    """Return what a person accepted last, of whatever version."""
    return db.session.scalar(
        select(TermsAcceptance)
        .where(TermsAcceptance.person_id == person_id)
        .order_by(TermsAcceptance.accepted_at.desc(), TermsAcceptance.id.desc())
        .limit(1)
    )


def publish(*, title: str, text: str, actor: Principal | None, now: datetime) -> TermsVersion:
    """Put a new text in force, from now on. ``actor`` is None on the command line only.

    Raises:
        NotAllowed: the actor's role may not.
    """
    if actor is not None:
        actor.demand(Permission.MANAGE_TERMS)
    newest = db.session.scalar(select(func.max(TermsVersion.version))) or 0
    published = TermsVersion(
        version=newest + 1,
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
