"""What the page needs to watch over its session: the seconds that its limits still have."""

from dataclasses import dataclass

from flask.sansio.app import App

from app import clock
from app.domain import session_rules
from app.domain.principal import Principal
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
    now = clock.now()
    idle = min(session_rules.IDLE, principal.total_ends_at - now)
    return SessionSeconds(
        idle=max(0, int(idle.total_seconds())),
        warning=int(session_rules.IDLE_WARNING.total_seconds()),
        presence=int(session_rules.PRESENCE.total_seconds()),
        presence_left=max(0, int((principal.presence_ends_at - now).total_seconds())),
    )


def init_app(app: App) -> None:
    app.jinja_env.globals.update(
        session_seconds=session_seconds, card_stages=[stage.value for stage in Stage]
    )
