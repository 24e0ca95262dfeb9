"""How often something may be tried. A try is counted and committed before it is judged."""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import case, delete
from sqlalchemy.dialects import postgresql, sqlite

from app.domain.errors import RateLimited
from app.extensions import db
from app.models import RateLimit


def count_try(key: str, *, limit: int, window: timedelta, now: datetime) -> int:
    """Count one try and return how many are left in this window. Commits: call it first.

    The window begins with its first try. One statement, so that no two tries are counted as one.

    Raises:
        RateLimited: there were ``limit`` tries already; carries the seconds until the next window.
    """
    on_sqlite = db.engine.dialect.name == "sqlite"
    insert = sqlite.insert(RateLimit) if on_sqlite else postgresql.insert(RateLimit)
    over = RateLimit.window_start <= now - window
    tries, began = db.session.execute(
        insert.values(key=key, window_start=now, count=1)
        .on_conflict_do_update(
            index_elements=[RateLimit.key],
            set_={
                "count": case((over, 1), else_=RateLimit.count + 1),
                "window_start": case((over, now), else_=RateLimit.window_start),
            },
        )
        .returning(RateLimit.count, RateLimit.window_start)
    ).one()
    db.session.commit()
    if tries > limit:
        raise RateLimited(ceil((began + window - now).total_seconds()))
    return limit - tries


def is_first(key: str, *, now: datetime) -> bool:
    """Say whether this is seen for the first time, and remember it. Part of the caller's action."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    insert = sqlite.insert(RateLimit) if on_sqlite else postgresql.insert(RateLimit)
    seen = db.session.execute(
        insert.values(key=key, window_start=now, count=1)
        .on_conflict_do_nothing(index_elements=[RateLimit.key])
        .returning(RateLimit.count)
    ).one_or_none()
    return seen is not None


def forget(key: str) -> None:
    """Clear the count, after a success. Part of the caller's action."""
    db.session.execute(delete(RateLimit).where(RateLimit.key == key))
