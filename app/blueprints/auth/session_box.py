"""What the page needs to watch over its session: the seconds that its limits still have."""

from dataclasses import dataclass

from flask.sansio.app import App

from app import clock
from app.domain.principal import Principal
from app.services import sessions
from reader_bridge.contract import Stage


@dataclass(frozen=True)
class SessionSeconds:
    """Whole seconds: a PC's clock may be wrong, so the page counts by itself.

    ``presence`` is how long a proof of the card's presence holds, ``presence_left`` what is left
    of the last one.
    """

    idle: int
    warning: int
    presence: int
    presence_left: int


def session_seconds(principal: Principal) -> SessionSeconds:
    now, limits = clock.now(), sessions.limits()
    idle = min(limits.idle, principal.total_ends_at - now)
    return SessionSeconds(
        idle=max(0, int(idle.total_seconds())),
        warning=int(limits.idle_warning.total_seconds()),
        presence=int(limits.presence.total_seconds()),
        presence_left=max(0, int((principal.presence_ends_at - now).total_seconds())),
    )


def init_app(app: App) -> None:
    app.jinja_env.globals.update(
        session_seconds=session_seconds, card_stages=[stage.value for stage in Stage]
    )
