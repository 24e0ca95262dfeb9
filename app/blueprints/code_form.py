"""The field for a code that was mailed, and what to say of one that is refused."""

from datetime import datetime, timedelta

from wtforms import StringField

from app.blueprints.forms import Form
from app.domain.errors import RateLimited
from app.domain.one_time_code import DIGITS, MOST_SENT, CodeRefused
from app.words import clock_time, counted

CODES = {
    "code-missing": "Enter the code",
    "code-malformed": f"The code must be {DIGITS} digits, like 246813",
    "code-none": "No code has been sent. Send a new one",
    "code-expired": "That code has expired. Send a new one",
    "code-used": "That code has been used already. Send a new one",
    "code-superseded": "A newer code was sent. Enter that one",
    "code-too-many": "Wrong codes were entered too often, so this code has ended. Send a new one",
    "code-given-up": "The message with the code could not be delivered. Send a new one",
}


class CodeForm(Form):
    code = StringField("Code from the email", description=f"{DIGITS} digits")

    @classmethod
    def after_too_many(cls, refusal: RateLimited, now: datetime) -> "CodeForm":
        """An empty form that says why no other code is sent."""
        form = cls(formdata=None)
        form.code.errors = [too_many_codes(refusal, now)]
        return form

    def tell(self, refusal: CodeRefused) -> None:
        left = refusal.tries_left
        if refusal.reason == "code-wrong" and left is not None:
            tries = f"{counted(left, 'try is', 'tries are')} left"
            self.code.errors = [
                f"That is not the code. If several were sent, only the newest counts. {tries}"
            ]
        else:
            self.code.errors = [CODES.get(refusal.reason, CODES["code-none"])]


def too_many_codes(refusal: RateLimited, now: datetime) -> str:
    again = clock_time(now + timedelta(seconds=refusal.retry_after))
    return (
        f"{MOST_SENT} codes have been sent within an hour, and no more can be. Use the newest one, "
        f"or ask for another after {again}"
    )
