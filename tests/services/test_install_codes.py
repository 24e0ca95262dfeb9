"""Install codes: shown once, good for so many PCs and so many hours, and told apart by nobody."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.card_operations.hello import HelloRefused
from app.card_operations.refusals import WorkstationBlocked
from app.domain.errors import Invalid, NotAllowed, NotFound, RateLimited
from app.domain.install_codes import MOST_USES, CodeProblem, CodeState
from app.domain.roles import Role
from app.domain.statuses import Outcome, WorkstationStatus
from app.extensions import db
from app.models import AuditEvent, InstallCode, InstallCodeUse, Workstation
from app.services import install_codes, workstations
from app.services.install_codes import MOST_TRIES, EnrolmentRefused
from tests.parts.at_once import at_once
from tests.parts.people import a_principal
from tests.parts.workstations import CHALLENGE, ORIGIN, a_bridge, a_workstation, brings

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def manager(clock):
    return a_principal(Role.RA_MANAGER, clock())


def made(clock, uses=1):
    return install_codes.make(label="Ward 4", uses=uses, actor=None, now=clock()).code


def redeem(bridge, code, clock, address="10.0.0.1", **claims):
    return install_codes.redeem(
        brings(bridge, code, **claims),
        challenge=CHALLENGE,
        origin=ORIGIN,
        address=address,
        now=clock(),
    )


def pcs():
    return {row.thumbprint: row.status for row in db.session.scalars(select(Workstation))}


def refusals():
    return [
        event.facts["reason"]
        for event in db.session.scalars(
            select(AuditEvent).where(AuditEvent.outcome == Outcome.REFUSED).order_by(AuditEvent.id)
        )
    ]


def test_a_code_enrols_a_pc_that_was_never_seen_and_the_log_says_with_which(clock):
    bridge = a_bridge("WARD4-PC2")
    assert redeem(bridge, made(clock), clock) == "WARD4-PC2"
    details = workstations.read(bridge.thumbprint)
    assert (details.status, details.code) == (WorkstationStatus.ENROLLED, "Ward 4")
    event = db.session.scalars(
        select(AuditEvent).where(AuditEvent.event == "workstation.enrolled")
    ).one()
    assert event.facts["thumbprint"] == bridge.thumbprint
    assert event.facts["label"] == "Ward 4"


def test_a_code_enrols_a_pc_that_was_seen_before(clock):
    bridge = a_bridge()
    a_workstation(thumbprint=bridge.thumbprint)
    redeem(bridge, made(clock).lower(), clock)
    assert pcs() == {bridge.thumbprint: WorkstationStatus.ENROLLED}


def test_a_code_of_one_use_enrols_one_pc(clock):
    code = made(clock)
    first, second = a_bridge(), a_bridge()
    redeem(first, code, clock)
    with pytest.raises(EnrolmentRefused):
        redeem(second, code, clock)
    assert pcs() == {first.thumbprint: WorkstationStatus.ENROLLED}


def test_a_pc_that_never_heard_the_answer_may_ask_again_and_uses_nothing_up(clock):
    code = made(clock, uses=2)
    bridge = a_bridge()
    redeem(bridge, code, clock)
    clock.advance(days=2)
    assert redeem(bridge, code, clock) == bridge.name
    assert db.session.scalars(select(InstallCode.used)).one() == 1


def test_a_code_is_good_for_its_hours_and_not_a_second_longer(app, clock):
    app.config["INSTALL_CODE_HOURS"] = 3
    code = made(clock, uses=2)
    clock.advance(hours=3, seconds=-1)
    redeem(a_bridge(), code, clock)
    clock.advance(seconds=1)
    with pytest.raises(EnrolmentRefused):
        redeem(a_bridge(), code, clock)


def test_wrong_old_used_and_withdrawn_codes_are_refused_alike_and_recorded_apart(clock, manager):
    used = made(clock)
    redeem(a_bridge(), used, clock)
    withdrawn = made(clock)
    install_codes.withdraw(
        db.session.scalars(select(InstallCode.id).order_by(InstallCode.id.desc())).first(),
        actor=manager,
        now=clock(),
    )
    old = made(clock)
    clock.advance(hours=24)
    answers = []
    for code in ("AAAA-BBBB", used, withdrawn, old, "", "\ud800"):
        with pytest.raises(EnrolmentRefused) as refusal:
            redeem(a_bridge(), code, clock)
        answers.append((refusal.value.reason, refusal.value.facts))
    assert answers == [("enrolment-refused", {})] * 6
    assert refusals() == ["unknown", "used-up", "withdrawn", "expired", "unknown", "unknown"]
    assert list(pcs().values()) == [WorkstationStatus.ENROLLED]


def test_a_blocked_pc_is_not_let_in_by_a_good_code_and_the_code_stays_good(clock):
    bridge, code = a_bridge(), made(clock)
    a_workstation(thumbprint=bridge.thumbprint, status=WorkstationStatus.BLOCKED)
    with pytest.raises(WorkstationBlocked):
        redeem(bridge, code, clock)
    with pytest.raises(EnrolmentRefused):
        redeem(bridge, "wrong", clock)
    assert pcs() == {bridge.thumbprint: WorkstationStatus.BLOCKED}
    redeem(a_bridge(), code, clock)


def test_what_was_signed_for_another_service_or_another_visit_is_worth_nothing(clock):
    code = made(clock)
    for claims in ({"origin": "https://other.test"}, {"nonce": "of yesterday"}):
        with pytest.raises(HelloRefused):
            redeem(a_bridge(), code, clock, **claims)
    assert pcs() == {}


def test_a_hello_is_no_enrolment_and_a_foreign_signature_is_none(clock):
    bridge = a_bridge()
    hello = bridge.hello(sid="s" * 43, ek={}, origin=ORIGIN, instance="i" * 43, capabilities=[])
    head, body, _ = brings(bridge, made(clock)).split(".")
    _, _, foreign = brings(a_bridge(), "x").split(".")
    for token in (hello, f"{head}.{body}.{foreign}", "", None, {"a": 1}):
        with pytest.raises(HelloRefused):
            install_codes.redeem(
                token, challenge=CHALLENGE, origin=ORIGIN, address="10.0.0.1", now=clock()
            )
    assert pcs() == {}


def test_tries_from_one_address_are_counted_whatever_they_bring(clock):
    code = made(clock)
    for _ in range(MOST_TRIES):
        with pytest.raises(EnrolmentRefused):
            redeem(a_bridge(), "wrong", clock)
    with pytest.raises(RateLimited):
        redeem(a_bridge(), code, clock)
    redeem(a_bridge(), code, clock, address="10.0.0.2")


def test_of_many_pcs_at_once_exactly_as_many_are_enrolled_as_the_code_has_uses(app, clock):
    code = made(clock, uses=3)
    db.session.remove()
    done = at_once(app, 8, lambda: redeem(a_bridge(), code, clock))
    assert sum(isinstance(each, str) for each in done) == 3
    assert sum(isinstance(each, EnrolmentRefused) for each in done) == 5
    assert list(pcs().values()) == [WorkstationStatus.ENROLLED] * 3
    assert db.session.scalars(select(InstallCode.used)).one() == 3


def test_one_pc_that_asks_many_times_at_once_is_one_pc_and_one_use(app, clock):
    code, bridge = made(clock, uses=2), a_bridge()
    db.session.remove()
    done = at_once(app, 6, lambda: redeem(bridge, code, clock))
    assert done == [bridge.name] * 6
    assert len(pcs()) == 1
    assert len(db.session.scalars(select(InstallCodeUse)).all()) == 1
    assert db.session.scalars(select(InstallCode.used)).one() == 1


def test_the_code_itself_is_kept_nowhere(clock, manager):
    code = install_codes.make(label="Ward 4", uses=1, actor=manager, now=clock()).code
    redeem(a_bridge(), code, clock)
    for table in (InstallCode, InstallCodeUse, Workstation, AuditEvent):
        for row in db.session.execute(select(*table.__table__.columns)):
            assert code not in str(row)
            assert code.replace("-", "") not in str(row)


@pytest.mark.parametrize(
    ("label", "uses", "problems"),
    [
        ("", 1, {"label": CodeProblem.LABEL_MISSING}),
        ("x" * 101, 1, {"label": CodeProblem.LABEL_TOO_LONG}),
        ("Ward 4", 0, {"uses": CodeProblem.USES}),
        ("Ward 4", MOST_USES + 1, {"uses": CodeProblem.USES}),
        ("", None, {"label": CodeProblem.LABEL_MISSING, "uses": CodeProblem.USES}),
    ],
)
def test_a_code_says_what_it_is_for_and_for_how_many(clock, manager, label, uses, problems):
    with pytest.raises(Invalid) as refusal:
        install_codes.make(label=label, uses=uses, actor=manager, now=clock())
    assert refusal.value.problems == problems
    assert install_codes.page(now=clock()).rows == []


@pytest.mark.parametrize("role", [None, *(each for each in Role if each is not Role.RA_MANAGER)])
def test_only_an_ra_manager_makes_codes_and_withdraws_them(clock, role):
    made(clock)
    number = db.session.scalars(select(InstallCode.id)).one()
    actor = a_principal(role, clock())
    with pytest.raises(NotAllowed):
        install_codes.make(label="Ward 4", uses=1, actor=actor, now=clock())
    with pytest.raises(NotAllowed):
        install_codes.withdraw(number, actor=actor, now=clock())
    assert [row.state for row in install_codes.page(now=clock()).rows] == [CodeState.GOOD]


def test_withdrawing_twice_is_recorded_once_and_an_unknown_code_is_said(clock, manager):
    made(clock)
    number = db.session.scalars(select(InstallCode.id)).one()
    for _ in range(2):
        install_codes.withdraw(number, actor=manager, now=clock())
    told = db.session.scalars(
        select(AuditEvent.id).where(AuditEvent.event == "install-code.withdrawn")
    ).all()
    assert len(told) == 1
    with pytest.raises(NotFound):
        install_codes.withdraw(number + 1, actor=manager, now=clock())


def test_codes_are_listed_newest_first_page_after_page(clock, manager):
    for number in range(5):
        install_codes.make(label=f"Ward {number}", uses=1, actor=manager, now=clock())
    first = install_codes.page(now=clock(), limit=3)
    rest = install_codes.page(now=clock() + timedelta(days=1), before=first.older, limit=3)
    assert [row.label for row in first.rows + rest.rows] == [f"Ward {n}" for n in (4, 3, 2, 1, 0)]
    assert rest.older is None
    assert {row.state for row in rest.rows} == {CodeState.EXPIRED}
    assert first.rows[0].made_by == "Ada Lovelace"
