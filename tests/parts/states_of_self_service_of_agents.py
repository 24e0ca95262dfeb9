"""The table of states: self-service as agents see it, and the mail of a demonstration."""

from tests.parts.caught import catch
from tests.parts.state import State
from tests.parts.visitor import Visitor

HTML = '<p style="color: #005eb8">Your code is <b>123 456</b>.</p>'


def mail(visitor: Visitor) -> None:
    folder = visitor.service.installation.mail
    for number in range(2):
        catch(folder, subject=f"Your Smartcard has been unlocked ({number})", html=HTML)
    visitor.page.goto("/demo/mail")


def message(visitor: Visitor) -> None:
    mail(visitor)
    visitor.page.get_by_role("link", name="unlocked (1)").click()


SELF_SERVICE_STATES_OF_AGENTS: tuple[State, ...] = (
    State("mail of the demonstration", "demo.mail", mail, "Look again"),
    State("message of the demonstration", "demo.message", message, "Your code is 123 456"),
)
