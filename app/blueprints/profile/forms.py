"""The form of the contact details, and what to say of those that break a rule of the domain."""

from wtforms import EmailField, TelField

from app.blueprints.forms import Form
from app.domain.contact_details import TelephoneProblem
from app.services.people import EmailProblem

PROBLEMS = {
    EmailProblem.MISSING: "Enter your email address",
    EmailProblem.INVALID: "Enter an email address in the correct format, like name@example.com",
    EmailProblem.LETTERS: "{label} must have no accented or special letters before the @: use "
    "another address",
    EmailProblem.TOO_LONG: "{label} must be 254 characters or fewer",
    TelephoneProblem.CHARACTERS: "{label} must be digits, like {example}",
    TelephoneProblem.TOO_SHORT: "{label} is too short: write all of it, like {example}",
    TelephoneProblem.TOO_LONG: "{label} is too long: write one number, like {example}",
    TelephoneProblem.NOT_MOBILE: "{label} must be that of a mobile, like {example}",
}


class ContactForm(Form):
    """How the service, colleagues and the registration authority reach a person."""

    email = EmailField(
        "Email address", description="Reminders about your Smartcard go to this address"
    )
    telephone = TelField("Telephone number", render_kw={"example": "0151 496 0000"})
    mobile = TelField("Mobile number", render_kw={"example": "07700 900000"})
