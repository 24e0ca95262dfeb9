"""Workstations: a list, a page for each with what can be decided about it, and install codes."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.addresses import LARGEST, number_asked
from app.blueprints.forms import Form, tell
from app.blueprints.fragments import page_or_fragment
from app.blueprints.permissions import principal, requires
from app.blueprints.workstations.forms import DECISIONS, PROBLEMS, CodeForm
from app.domain.errors import Invalid, NotFound
from app.domain.roles import Permission
from app.domain.statuses import WorkstationStatus
from app.domain.workstations import WorkstationEvent, next_status, possible
from app.services import install_codes, workstations

bp = Blueprint("workstations", __name__, url_prefix="/workstations")

LONGEST_SEARCH = 100


@bp.get("")
@requires(Permission.MANAGE_WORKSTATIONS)
def listing() -> ResponseReturnValue:
    search = request.args.get("search", "")[:LONGEST_SEARCH].replace("\0", "").strip()
    state = asked_state()
    after = request.args.get("after")
    return page_or_fragment(
        "workstations/list.html",
        "workstations/_list.html",
        pcs=workstations.page(search=search, status=state, after=after),
        search=search,
        state=state,
        after=after,
        states=WorkstationStatus,
    )


@bp.get("/<thumbprint>")
@requires(Permission.MANAGE_WORKSTATIONS)
def show(thumbprint: str) -> ResponseReturnValue:
    pc = workstations.read(readable(thumbprint))
    return render_template("workstations/page.html", pc=pc, possible=possible(pc.status))


@bp.get("/<thumbprint>/<decision>")
@requires(Permission.MANAGE_WORKSTATIONS)
def ask(thumbprint: str, decision: str) -> ResponseReturnValue:
    event = event_of(decision)
    pc = workstations.read(readable(thumbprint))
    next_status(pc.status, event)
    return question(thumbprint, event, DECISIONS[event](data={"name": pc.name}))


@bp.post("/<thumbprint>/<decision>")
@requires(Permission.MANAGE_WORKSTATIONS)
def decide(thumbprint: str, decision: str) -> ResponseReturnValue:
    event = event_of(decision)
    form = DECISIONS[event]()
    if not form.validate():
        return question(thumbprint, event, form), 422
    carry_out(readable(thumbprint), event, form)
    flash(f"workstation-{event}")
    return redirect(url_for("workstations.show", thumbprint=thumbprint), 303)


@bp.get("/install-codes")
@requires(Permission.MANAGE_WORKSTATIONS)
def codes() -> ResponseReturnValue:
    return codes_page(CodeForm(formdata=None))


@bp.post("/install-codes")
@requires(Permission.MANAGE_WORKSTATIONS)
def make_code() -> ResponseReturnValue:
    """Make a code and show it, this once: the answer is the page, since nothing else keeps it."""
    form = CodeForm()
    if not form.validate():
        return codes_page(form, status=422)
    try:
        made = install_codes.make(
            label=form.label.data or "", uses=form.uses.data, actor=principal(), now=clock.now()
        )
    except Invalid as refusal:
        tell(form, refusal, PROBLEMS)
        return codes_page(form, status=422)
    return codes_page(CodeForm(formdata=None), made=made)


@bp.post("/install-codes/<int:code_id>/withdraw")
@requires(Permission.MANAGE_WORKSTATIONS)
def withdraw_code(code_id: int) -> ResponseReturnValue:
    install_codes.withdraw(code_id, actor=principal(), now=clock.now())
    flash("install-code-withdrawn")
    return redirect(url_for("workstations.codes"), 303)


def codes_page(
    form: CodeForm, *, made: install_codes.NewCode | None = None, status: int = 200
) -> ResponseReturnValue:
    before = number_asked("before", LARGEST)
    return page_or_fragment(
        "workstations/codes.html",
        "workstations/_codes.html",
        status=status,
        form=form,
        made=made,
        codes=install_codes.page(now=clock.now(), before=before),
        before=before,
    )


def question(thumbprint: str, event: WorkstationEvent, form: Form) -> str:
    """Ask whether a decision is meant, and for what it needs."""
    pc = workstations.read(readable(thumbprint))
    own = principal().workstation_id == pc.id
    return render_template("workstations/decide.html", pc=pc, event=event, form=form, own=own)


def carry_out(thumbprint: str, event: WorkstationEvent, form: Form) -> None:
    now = clock.now()
    match event:
        case WorkstationEvent.ENROL:
            workstations.enrol(thumbprint, name=form["name"].data, actor=principal(), now=now)
        case WorkstationEvent.BLOCK:
            workstations.block(thumbprint, reason=form["reason"].data, actor=principal(), now=now)
        case WorkstationEvent.UNBLOCK:
            workstations.unblock(thumbprint, actor=principal(), now=now)


def asked_state() -> WorkstationStatus | None:
    """Return the state to which the list is narrowed; none for what is not one."""
    try:
        return WorkstationStatus(request.args.get("state", ""))
    except ValueError:
        return None


def event_of(decision: str) -> WorkstationEvent:
    """Return what an address says is to be decided.

    Raises:
        NotFound: there is no such decision.
    """
    try:
        return WorkstationEvent(decision)
    except ValueError:
        raise NotFound("decision", decision) from None


def readable(thumbprint: str) -> str:
    """Return a thumbprint as a database can look for it.

    Raises:
        NotFound: no thumbprint has such characters.
    """
    if "\0" in thumbprint:
        raise NotFound("workstation")
    return thumbprint
