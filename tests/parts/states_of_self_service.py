"""The table of states: registering for self-service, changing and ending that.

The pages' further states are looked over on the way, in browser/test_self_service_registration.py.
"""

from collections.abc import Callable

from tests.parts.registrar import ANSWERS, BLOCKED, REGISTERED, Registrar
from tests.parts.state import State, signed_in
from tests.parts.visitor import Visitor

PROFILE, SELF_SERVICE = "/profile", "/profile/self-service"


def taken(*steps: Callable[[Registrar], object]) -> Callable[[Visitor], None]:
    """Take these steps of a registration, one after the other."""

    def show(visitor: Visitor) -> None:
        registrar = Registrar(visitor)
        for step in steps:
            step(registrar)

    return show


def at_profile(registrar: Registrar) -> None:
    registrar.page.goto(PROFILE)


def refused_answers(registrar: Registrar) -> None:
    registrar.fill_questions((ANSWERS[0], ANSWERS[0], ("childhood-toy", "a"), ("first-film", "")))
    registrar.press("Continue")


def overdue(registrar: Registrar) -> None:
    registrar.let_code_wait(minutes=1)
    registrar.page.reload()


def questions_changed(registrar: Registrar) -> None:
    registrar.visitor.be_signed_in(REGISTERED)
    registrar.page.goto(f"{SELF_SERVICE}/questions")
    registrar.show_passcode(card=REGISTERED)
    registrar.press("Confirm")  # with the answers that are kept


SHOW, PASSCODE, CODE = "self_service.show", "self_service.passcode", "self_service.code"

SELF_SERVICE_STATES: tuple[State, ...] = (
    State("self-service, registered", SHOW, signed_in(REGISTERED, address=SELF_SERVICE), "End you"),
    State("self-service, blocked", SHOW, signed_in(BLOCKED, address=SELF_SERVICE), "is blocked"),
    State("register", "self_service.begin", taken(Registrar.open), "What you do"),
    State(
        "register, passcode", "self_service.passcode", taken(Registrar.come_to_passcode), "prove"
    ),
    State(
        "register, answers refused",
        "self_service.questions",
        taken(Registrar.come_to_questions, refused_answers),
        "There is a problem",
        status=422,
    ),
    State("register, email", "self_service.email", taken(Registrar.come_to_email), "overwrite it"),
    State("register, code overdue", CODE, taken(Registrar.come_to_code, overdue), "has not left"),
    State(
        "profile, registration begun",
        "profile.show",
        taken(Registrar.come_to_questions, at_profile),
        "Continue registration",
    ),
    State("questions changed", "self_service.done", taken(questions_changed), "been saved"),
    State(
        "end registration",
        "self_service.end",
        signed_in(REGISTERED, address=f"{SELF_SERVICE}/end"),
        "are removed",
    ),
)
