"""Renewing the certificates of a card: when the window is open, and who may do it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.domain.card_lifecycle import CardStatus
from app.domain.days import day_of, end_of

LEAD = timedelta(days=90)
LIFE = timedelta(days=730)
SELF_RENEWALS_IN_A_ROW = 2


class Renewal(StrEnum):
    """Whether a card's certificates can be renewed today, and if not, why not."""

    OPEN = "open"
    NOT_YET = "not-yet"  # opens on a day
    ASSISTED = "assisted"  # the third in a row: the registration authority
    EXPIRED = "expired"  # a repair by the registration authority
    NOT_ISSUED = "not-issued"  # blank, locked, suspended or cancelled


@dataclass(frozen=True)
class RenewalWindow:
    """The days on which certificates may be renewed: the 90th day before expiry through that day.

    All days are London's.
    """

    expires_on: date
    lead: timedelta = LEAD

    @property
    def opens_on(self) -> date:
        return self.expires_on - self.lead

    def is_open(self, on: date) -> bool:
        return self.opens_on <= on <= self.expires_on

    def days_left(self, on: date) -> int:
        """Return the whole days until expiry: 0 on the last day, negative after it."""
        return (self.expires_on - on).days


@dataclass(frozen=True)
class RenewalState:
    """The facts of the sentence that says whether a card can be renewed."""

    state: Renewal
    opens_on: date | None = None
    expires_on: date | None = None
    days_left: int | None = None
    status: CardStatus | None = None

    @property
    def may_self_renew(self) -> bool:
        return self.state is Renewal.OPEN

    @property
    def may_be_assisted(self) -> bool:
        """Say whether an agent may renew: in the window, whatever number of renewal it is."""
        return self.state in (Renewal.OPEN, Renewal.ASSISTED)

    @property
    def should_remind(self) -> bool:
        """Say whether to remind the holder at sign-in."""
        return self.state in (Renewal.OPEN, Renewal.ASSISTED)


def renewal_state(
    *,
    status: CardStatus,
    expires_on: date | None,
    self_renewals_in_row: int,
    today: date,
) -> RenewalState:
    """Return whether a card can be renewed on ``today``. ``status`` is the one to be shown."""
    if expires_on is None or status not in (CardStatus.ISSUED, CardStatus.EXPIRED):
        return RenewalState(Renewal.NOT_ISSUED, expires_on=expires_on, status=status)
    window = RenewalWindow(expires_on)
    days_left = window.days_left(today)
    if days_left < 0:
        state = Renewal.EXPIRED
    elif not window.is_open(today):
        state = Renewal.NOT_YET
    elif self_renewals_in_row >= SELF_RENEWALS_IN_A_ROW:
        state = Renewal.ASSISTED
    else:
        state = Renewal.OPEN
    return RenewalState(state, window.opens_on, expires_on, days_left, status)


def renewals_after(self_renewals_in_row: int, *, assisted: bool) -> int:
    """Return the count after a renewal: one by an agent starts it again."""
    return 0 if assisted else self_renewals_in_row + 1


def expiry_from(issued_at: datetime, life: timedelta = LIFE) -> date:
    """Return the last day of certificates issued now: ``life`` after today in London."""
    return day_of(issued_at) + life


def not_after(expires_on: date) -> datetime:
    """Return the ``notAfter`` of certificates whose last day this is: 23:59:59 in London."""
    return end_of(expires_on)
