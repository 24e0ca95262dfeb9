"""My profile: the person, their contact details, cards, positions, and what happened to them."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.addresses import number_asked
from app.blueprints.forms import tell
from app.blueprints.fragments import page_or_fragment
from app.blueprints.permissions import principal, requires
from app.blueprints.profile.forms import PROBLEMS, ContactForm
from app.domain.contact_details import telephone_shown
from app.domain.days import day_of
from app.domain.errors import Invalid
from app.domain.roles import Permission
from app.services import people, profile, self_service_state, unfinished

bp = Blueprint("profile", __name__, url_prefix="/profile")

FEW_EVENTS = 5


@bp.get("")
@requires(Permission.OWN_PROFILE)
def show() -> ResponseReturnValue:
    return page()


@bp.get("/contact")
@requires(Permission.OWN_PROFILE)
def contact() -> ResponseReturnValue:
    return page()


@bp.get("/contact/change")
@requires(Permission.CHANGE_OWN_CONTACT_DETAILS)
def modify_contact() -> ResponseReturnValue:
    kept = profile.contact(principal().person_id)
    return contact_form(
        ContactForm(
            email=kept.email,
            telephone=telephone_shown(kept.telephone or ""),
            mobile=telephone_shown(kept.mobile or ""),
        )
    )


@bp.post("/contact/change")
@requires(Permission.CHANGE_OWN_CONTACT_DETAILS)
def update_contact() -> ResponseReturnValue:
    form = ContactForm()
    if not form.validate():
        return contact_form(form, 422)
    try:
        people.update_contact_details(
            principal(),
            email=form.email.data or "",
            telephone=form.telephone.data or "",
            mobile=form.mobile.data or "",
            now=clock.now(),
        )
    except Invalid as refusal:
        tell(form, refusal, PROBLEMS)
        return contact_form(form, 422)
    flash("contact-updated")
    return redirect(url_for("profile.contact", _anchor="contact"), 303)


@bp.get("/activity")
@requires(Permission.OWN_EVENTS)
def activity() -> ResponseReturnValue:
    before = number_asked("before")
    events = profile.events(principal().person_id, before=before)
    return page_or_fragment(
        "profile/activity.html", "profile/_activity.html", events=events, before=before
    )


@bp.get("/photo")
@requires(Permission.OWN_PROFILE)
def photo() -> ResponseReturnValue:
    image, content_type = profile.photo(principal().person_id)
    return Response(image, content_type=content_type)


def contact_form(form: ContactForm, status: int = 200) -> Response:
    """Show the contact details as a form."""
    return page(status=status, form=form)


def page(*, status: int = 200, **context: Any) -> Response:
    """Show the profile, or of it only the contact details."""
    now = clock.now()
    person = profile.read(principal().person_id, today=day_of(now))
    events = profile.events(person.person_id, limit=FEW_EVENTS)
    return page_or_fragment(
        "profile/page.html",
        "profile/_contact.html",
        status=status,
        profile=person,
        events=events,
        self_service=self_service_state.state_of(person.person_id),
        unfinished=unfinished.of_person(person.person_id, now=now),
        **context,
    )
