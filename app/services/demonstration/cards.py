"""The cards of the demonstration: whose they are, and the state that each is brought into."""

from dataclasses import dataclass
from enum import StrEnum

LETTERS = "tulip-42"  # the passcode of every card that takes letters
DIGITS = "482913"  # and of those that take digits alone
EXPIRING_IN_DAYS = 20


class PlannedState(StrEnum):
    ISSUED = "issued"
    EXPIRING = "expiring"  # in EXPIRING_IN_DAYS days: the renewal window is open
    EXPIRED = "expired"  # yesterday
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    LOCKED = "locked"  # by wrong passcodes
    NEAR_LOCKED = "near-locked"  # one try is left
    BLANK = "blank"  # from the factory; nobody's


@dataclass(frozen=True, kw_only=True)
class PlannedCard:
    """One card of the demonstration, for whoever issues it.

    ``name`` is what the card desk calls it; ``uuid`` is its holder's, None for a blank card;
    ``number`` is printed on it; ``self_renewals`` is how often its holder renewed it in a row.
    """

    name: str
    number: str
    uuid: str | None
    state: PlannedState = PlannedState.ISSUED
    algorithm: str = "ES256"  # or RS256
    digits_only: bool = False
    self_renewals: int = 0
    shows: str = ""  # what there is to try with it

    @property
    def passcode(self) -> str:
        """The passcode of the demonstration. It is not a secret: it is printed on the screen."""
        return DIGITS if self.digits_only else LETTERS


_S = PlannedState

PLAN: tuple[PlannedCard, ...] = (
    PlannedCard(
        name="amara-okafor",
        number="700200300101",
        uuid="500200300101",
        shows="RA Manager, and a clinical position: chooses a role",
    ),
    PlannedCard(
        name="bryn-llewellyn",
        number="700200300102",
        uuid="500200300102",
        shows="Advanced RA Agent",
    ),
    PlannedCard(
        name="carys-whitfield",
        number="700200300103",
        uuid="500200300103",
        shows="RA Agent in the clinics",
    ),
    PlannedCard(
        name="dominic-achterberg",
        number="700200300104",
        uuid="500200300104",
        shows="RA ID Checker",
    ),
    PlannedCard(
        name="elspeth-marchbanks",
        number="700200300105",
        uuid="500200300105",
        shows="Sponsor",
    ),
    PlannedCard(
        name="farid-soltani",
        number="700200300106",
        uuid="500200300106",
        shows="Local Smartcard Administrator",
    ),
    PlannedCard(
        name="grace-adeyemi",
        number="700200300107",
        uuid="500200300107",
        shows="card holder, no role: the ordinary case",
    ),
    PlannedCard(
        name="henrik-soerensen",
        number="700200300108",
        uuid="500200300108",
        shows="card holder without a position; has begun to register for self-service",
    ),
    PlannedCard(
        name="isla-farquharson",
        number="700200300109",
        uuid="500200300109",
        state=_S.EXPIRING,
        shows="expires in 20 days: may renew",
    ),
    PlannedCard(
        name="joao-ferreira",
        number="700200300110",
        uuid="500200300110",
        state=_S.EXPIRING,
        self_renewals=2,
        shows="expires in 20 days, renewed twice: the third renewal needs the RA",
    ),
    PlannedCard(
        name="keira-osullivan",
        number="700200300111",
        uuid="500200300111",
        state=_S.EXPIRED,
        shows="expired: refused, needs a repair; registered for self-service",
    ),
    PlannedCard(
        name="lachlan-mackenzie",
        number="700200300112",
        uuid="500200300112",
        state=_S.SUSPENDED,
        shows="suspended: refused",
    ),
    PlannedCard(
        name="mei-lin-zhao",
        number="700200300113",
        uuid="500200300113",
        state=_S.CANCELLED,
        shows="cancelled: refused for good",
    ),
    PlannedCard(
        name="nadia-rahman",
        number="700200300114",
        uuid="500200300114",
        state=_S.LOCKED,
        shows="locked by wrong passcodes; registered for self-service: unlocks it herself",
    ),
    PlannedCard(
        name="owen-pritchard",
        number="700200300115",
        uuid="500200300115",
        state=_S.NEAR_LOCKED,
        shows="one try left; self-service blocked by failed attempts",
    ),
    PlannedCard(
        name="priya-venkataraman",
        number="700200300116",
        uuid="500200300116",
        algorithm="RS256",
        shows="RSA keys; registered for self-service",
    ),
    PlannedCard(
        name="quentin-bellweather",
        number="700200300117",
        uuid="500200300117",
        digits_only=True,
        shows="a make of card that takes 6 to 8 digits only",
    ),
    PlannedCard(
        name="rosalind-thackeray",
        number="700200300118",
        uuid="500200300118",
        shows="closed account: refused",
    ),
    PlannedCard(name="blank-1", number="700200300901", uuid=None, state=_S.BLANK, shows="blank"),
)
