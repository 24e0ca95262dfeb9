"""The table of states: self-service as agents see it, and the mail of a demonstration."""

from tests.parts.caught import catch
from tests.parts.state import State
from tests.parts.states_of_people import agent
from tests.parts.visitor import Visitor

OWEN = "/people/500200300115"  # self-service blocked
PRIYA = "/people/500200300116"  # registered
HTML = '<p style="color: #005eb8">Your code is <b>123 456</b>.</p>'


def mail(visitor: Visitor) -> None:
    folder = visitor.service.installation.mail
    for number in range(2):
        catch(folder, subject=f"Your Smartcard has been unlocked ({number})", html=HTML)
    visitor.page.goto("/demo/mail")


def message(visitor: Visitor) -> None:
    mail(visitor)
    visitor.page.get_by_role("link", name="unlocked (1)").click()


def lift_without_reason(visitor: Visitor) -> None:
    agent(f"{OWEN}/self-service/lift")(visitor)
    visitor.page.get_by_role("button", name="Lift the block").click()


SELF_SERVICE_STATES_OF_AGENTS: tuple[State, ...] = (
    State("mail of the demonstration", "demo.mail", mail, "appears here by itself"),
    State(
        "lift without a reason",
        "people.lift_block",
        lift_without_reason,
        "There is a problem",
        status=422,
    ),
    State(
        "end a registration",
        "people.end_registration",
        agent(f"{PRIYA}/self-service/end"),
        "removed for good",
    ),
    State("message of the demonstration", "demo.message", message, "Your code is 123 456"),
)
