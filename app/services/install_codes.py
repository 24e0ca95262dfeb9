"""Install codes: made by an RA manager, given to whoever installs a PC, redeemed by its bridge.

The bridge brings the code to the server itself, signed with the key that it is to be known by. No
page of the service ever carries both: a script in a page cannot enrol a key of its own.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import select, update

from app import audit
from app.card_operations import hello
from app.card_operations.refusals import WorkstationBlocked
from app.domain import install_codes as rules
from app.domain.errors import Invalid, NotFound, RuleBroken
from app.domain.install_codes import CodeProblem, CodeState
from app.domain.principal import Principal
from app.domain.roles import Permission
from app.domain.statuses import Outcome, WorkstationStatus
from app.domain.workstations import WorkstationEvent, next_status
from app.extensions import db
from app.models import InstallCode, InstallCodeUse, Person, Workstation
from app.services import limits
from reader_bridge.contract import Typ

PAGE = 25
MOST_TRIES, TRIES_WINDOW = 20, timedelta(minutes=15)  # from one address


class EnrolmentRefused(RuleBroken):
    """The code is wrong, too old, used up or withdrawn: from outside they all look the same."""

    reason = "enrolment-refused"


@dataclass(frozen=True, kw_only=True)
class NewCode:
    """A code that was just made: the only moment at which anybody can read it."""

    code: str  # in groups
    label: str
    uses: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class CodeRow:
    """One code, as the list shows it: never the code itself."""

    id: int
    label: str
    uses: int
    used: int
    made_at: datetime
    made_by: str | None
    expires_at: datetime
    state: CodeState


@dataclass(frozen=True, kw_only=True)
class Codes:
    """A page of codes, newest first. ``older`` is where the next one begins, if there is one."""

    rows: list[CodeRow]
    older: int | None


def make(*, label: str, uses: int | None, actor: Principal | None, now: datetime) -> NewCode:
    """Make a code that enrols ``uses`` PCs within INSTALL_CODE_HOURS.

    Raises:
        NotAllowed: the actor may not.
        Invalid: says for each field what is wrong with it.
    """
    if actor is not None:
        actor.demand(Permission.MANAGE_WORKSTATIONS)
    problems = _problems(label, uses)
    if problems or uses is None:
        raise Invalid(problems)
    code = "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.LENGTH))
    row = InstallCode(
        digest=rules.digest(code),
        label=label,
        uses=uses,
        used=0,
        made_at=now,
        made_by_id=actor.person_id if actor else None,
        expires_at=now + timedelta(hours=current_app.config["INSTALL_CODE_HOURS"]),
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "install-code.made",
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        install_code=row.id,
        label=label,
        uses=uses,
        expires_at=row.expires_at,
    )
    db.session.commit()
    return NewCode(code=rules.written(code), label=label, uses=uses, expires_at=row.expires_at)


def withdraw(code_id: int, *, actor: Principal, now: datetime) -> None:
    """Make a code worth nothing. Doing it again changes nothing.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such code.
    """
    actor.demand(Permission.MANAGE_WORKSTATIONS)
    withdrawn = db.session.execute(
        update(InstallCode)
        .where(InstallCode.id == code_id, InstallCode.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
        .returning(InstallCode.label)
    ).one_or_none()
    if withdrawn is None:
        db.session.rollback()
        if db.session.get(InstallCode, code_id) is None:
            raise NotFound("install-code", code_id)
        return
    audit.record(
        "install-code.withdrawn",
        outcome=Outcome.DONE,
        actor=actor,
        now=now,
        install_code=code_id,
        label=withdrawn.label,
    )
    db.session.commit()


def page(*, now: datetime, before: int | None = None, limit: int = PAGE) -> Codes:
    """Return codes, newest first, from the one before ``before`` on."""
    wanted = (
        select(InstallCode, Person.given_name, Person.family_name)
        .outerjoin(Person, Person.id == InstallCode.made_by_id)
        .order_by(InstallCode.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        wanted = wanted.where(InstallCode.id < before)
    found = db.session.execute(wanted).all()
    rows = [
        CodeRow(
            id=code.id,
            label=code.label,
            uses=code.uses,
            used=code.used,
            made_at=code.made_at,
            made_by=f"{given} {family}" if given else None,
            expires_at=code.expires_at,
            state=_state(code, now),
        )
        for code, given, family in found[:limit]
    ]
    return Codes(rows=rows, older=rows[-1].id if len(found) > limit else None)


def redeem(
    token: object, *, challenge: str, origin: str, address: str | None, now: datetime
) -> str:
    """Enrol the PC whose bridge brings a code, and return the name by which it is known.

    ``challenge`` is what the server told the bridge a moment ago: under its signature it shows
    that the key is at hand, and not only something that was signed with it once. A PC that was
    enrolled with this code already, and never heard of it, is told so and uses nothing up.

    Raises:
        RateLimited: too many came from this address.
        HelloRefused: it is not signed, or for another service.
        EnrolmentRefused: the code is not good.
        WorkstationBlocked: the code is, but an administrator has blocked this PC.
    """
    limits.count_try(f"enrolment {address}", limit=MOST_TRIES, window=TRIES_WINDOW, now=now)
    key, claims = hello.read(token, Typ.ENROLMENT)
    if claims.get("aud") != origin:
        raise hello.HelloRefused("origin")
    if claims.get("nonce") != challenge:
        raise hello.HelloRefused("nonce")
    digest = rules.digest(str(claims.get("code")))
    pc = hello.workstation_of(key, claims, now)
    enrolled = pc.status is WorkstationStatus.ENROLLED
    if enrolled and _was_enrolled_with(digest, pc):
        db.session.commit()
        return pc.name
    spent = db.session.execute(
        update(InstallCode)
        .where(
            InstallCode.digest == digest,
            InstallCode.used < InstallCode.uses,
            InstallCode.expires_at > now,
            InstallCode.withdrawn_at.is_(None),
        )
        .values(used=InstallCode.used + 1)
        .returning(InstallCode.id, InstallCode.label)
    ).one_or_none()
    if spent is None:
        _refuse(_why_not(digest, now), pc, now)
        raise EnrolmentRefused
    if pc.status is WorkstationStatus.BLOCKED:
        _refuse("workstation-blocked", pc, now)
        raise WorkstationBlocked
    if not enrolled:
        pc.status = next_status(pc.status, WorkstationEvent.ENROL)
    pc.decided_at, pc.decided_by_id, pc.reason = now, None, None
    use = db.session.scalar(
        select(InstallCodeUse).where(
            InstallCodeUse.code_id == spent.id, InstallCodeUse.workstation_id == pc.id
        )
    ) or InstallCodeUse(code_id=spent.id, workstation_id=pc.id)
    use.at = now
    db.session.add(use)
    audit.record(
        "workstation.enrolled",
        outcome=Outcome.DONE,
        actor=None,
        now=now,
        workstation_id=pc.id,
        thumbprint=pc.thumbprint,
        name=pc.name,
        workstation=pc.id,
        install_code=spent.id,
        label=spent.label,
    )
    name = pc.name
    db.session.commit()
    return name


def _refuse(reason: str, pc: Workstation, now: datetime) -> None:
    """Undo everything, the counted use too, and keep that somebody tried."""
    thumbprint, name = pc.thumbprint, pc.name
    db.session.rollback()
    audit.record(
        "workstation.enrolled",
        outcome=Outcome.REFUSED,
        actor=None,
        now=now,
        thumbprint=thumbprint,
        name=name,
        reason=reason,
    )
    db.session.commit()


def _was_enrolled_with(digest: str, pc: Workstation) -> bool:
    used = (
        select(InstallCodeUse.id)
        .join(InstallCode, InstallCode.id == InstallCodeUse.code_id)
        .where(InstallCode.digest == digest, InstallCodeUse.workstation_id == pc.id)
    )
    return db.session.scalar(used) is not None


def _why_not(digest: str, now: datetime) -> str:
    """Say, for the audit log alone, what is wrong with a code."""
    code = db.session.scalar(select(InstallCode).where(InstallCode.digest == digest))
    return "unknown" if code is None else _state(code, now).value


def _state(code: InstallCode, now: datetime) -> CodeState:
    return rules.state(
        uses=code.uses,
        used=code.used,
        expires_at=code.expires_at,
        withdrawn_at=code.withdrawn_at,
        now=now,
    )


def _problems(label: str, uses: int | None) -> dict[str, StrEnum]:
    problems: dict[str, StrEnum] = {}
    if not label:
        problems["label"] = CodeProblem.LABEL_MISSING
    elif len(label) > rules.LONGEST_LABEL:
        problems["label"] = CodeProblem.LABEL_TOO_LONG
    if uses is None or not 1 <= uses <= rules.MOST_USES:
        problems["uses"] = CodeProblem.USES
    return problems
