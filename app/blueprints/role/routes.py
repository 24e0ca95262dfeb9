"""*Change* in the header: the positions that the person holds today, to act in another of them."""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.fragments import go_to
from app.blueprints.permissions import principal, requires
from app.blueprints.role.forms import RoleForm
from app.domain.errors import NotFound
from app.domain.roles import Permission
from app.services import sessions

bp = Blueprint("role", __name__)


@bp.get("/role")
@requires(Permission.CHANGE_ROLE)
def choose() -> ResponseReturnValue:
    return page(RoleForm(data={"assignment": principal().assignment_id}))


@bp.post("/role")
@requires(Permission.CHANGE_ROLE)
def change() -> ResponseReturnValue:
    form = RoleForm()
    form.validate()
    try:
        sessions.change_role(principal(), form.assignment.data or 0, now=clock.now())
    except NotFound:
        form.assignment.errors = ["Choose the role that you want to work in"]
        return page(form), 422
    return go_to(url_for("dashboard.show"))


def page(form: RoleForm) -> str:
    held = sessions.current_assignments(principal().person_id, now=clock.now())
    form.offer(held)
    return render_template("role/page.html", form=form, held=held)
