"""People: searching for them, one person's page, and their photo."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.blueprints.forms import tell
from app.blueprints.people.forms import PROBLEMS, SearchForm
from app.blueprints.permissions import principal, requires
from app.blueprints.photos import demand_mark
from app.domain.errors import Invalid
from app.domain.person_search import ByName, ByNino, ByUuid, sought
from app.domain.roles import Permission
from app.services import find_people, look_at_person

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
@requires(Permission.FIND_PERSON)
def search() -> ResponseReturnValue:
    """Show the search box, and who was found. A NINO is in no address: it is only ever sent."""
    asked = request.args.get("search", "").strip()
    form = SearchForm(formdata=None, search=asked)
    if not asked:
        return page(form)
    try:
        wanted = sought(asked)
    except Invalid as refusal:
        tell(form, refusal, PROBLEMS)
        return page(form, status=422)
    if isinstance(wanted, ByNino):
        return page(SearchForm(formdata=None))
    after = request.args.get("after")
    found = find_people.search(principal(), wanted, after=after, now=clock.now())
    return page(form, found=found, after=after)


@bp.post("")
@requires(Permission.FIND_PERSON)
def find() -> ResponseReturnValue:
    """Lead to the person with this number, or to the list of those with this name."""
    form = SearchForm()
    if not form.validate():
        return page(form, status=422)
    asked = form.search.data or ""
    try:
        wanted = sought(asked)
    except Invalid as refusal:
        tell(form, refusal, PROBLEMS)
        return page(form, status=422)
    match wanted:
        case ByName():
            return redirect(url_for("people.search", search=asked), 303)
        case ByUuid() | ByNino():
            found = find_people.search(principal(), wanted, now=clock.now())
    if len(found.rows) == 1:
        return redirect(url_for("people.show", uuid=found.rows[0].uuid), 303)
    return page(form, found=found)


@bp.get("/<uuid>")
@requires(Permission.FIND_PERSON)
def show(uuid: str) -> ResponseReturnValue:
    seen = look_at_person.look(principal(), uuid, now=clock.now())
    return render_template("people/person.html", look=seen, person=seen.person)


@bp.get("/<uuid>/photo/<mark>")
@requires(Permission.FIND_PERSON)
def photo(uuid: str, mark: str) -> ResponseReturnValue:
    demand_mark(uuid, mark)
    image, content_type = look_at_person.photo(principal(), uuid, now=clock.now())
    return Response(image, content_type=content_type)


def page(
    form: SearchForm,
    *,
    found: find_people.Found | None = None,
    after: str | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    asked = form.search.data or ""
    return render_template(
        "people/search.html", form=form, found=found, after=after, asked=asked
    ), status
