"""The table of states: a passcode that was changed, or may have been, and nobody heard."""

from tests.parts.second_reader import Counter
from tests.parts.state import State, with_card
from tests.parts.states_of_manage import SERVICE, of_card
from tests.parts.states_of_unfinished import stopped, with_rows
from tests.parts.visitor import CARDS, HOLDER, NEW, WRONG, Visitor

SIGN_IN = "auth.sign_in"
OVER = """
INSERT INTO card_operation (public_id, kind, state, step, card_id, person_id, browser, facts,
    started_at, updated_at, finished_at)
SELECT 'stopped-' || :kind, :kind, :state, :step, card.id, card.person_id, 'elsewhere', :facts,
    datetime('now', '-50 minutes'), datetime('now', '-50 minutes'), datetime('now', '-50 minutes')
FROM card JOIN person ON person.id = card.person_id WHERE person.uuid = :uuid
"""


def over(kind: str, step: str, state: str, facts: str = "{}") -> tuple[str, dict[str, str]]:
    uuid = str(CARDS[HOLDER].uuid)
    return OVER, {"kind": kind, "step": step, "state": state, "facts": facts, "uuid": uuid}


_, ITS_STEP = stopped("change-passcode", "change")
IN_DOUBT = stopped("change-passcode", "change")
REFUSED_SINCE = (
    over("sign-in", "prove", "abandoned", '{"use": "new-then-old", "left": 5}'),
    *IN_DOUBT,
)
CHANGED = (over("change-passcode", "change", "done"), ITS_STEP)
SETTLED = (over("change-passcode", "confirm", "abandoned", '{"settled": "other"}'), ITS_STEP)


def wrong_at_sign_in(visitor: Visitor) -> None:
    visitor.show_card()
    visitor.enter(WRONG)


def wrong_at_a_change(visitor: Visitor) -> None:
    visitor.be_signed_in()
    visitor.open_change_passcode()
    visitor.type_new_passcode(WRONG, NEW)


def wrong_with_help(visitor: Visitor) -> None:
    of_card("/change-passcode", HOLDER)(visitor)
    visitor.type_passcode(WRONG, "User’s current passcode")
    visitor.type_passcode(NEW, "New passcode")
    visitor.type_passcode(NEW, "New passcode again")
    Counter(visitor).press("Continue")


PASSCODE_STATES = (
    State(
        "card read, a change in doubt",
        SIGN_IN,
        with_rows(with_card(HOLDER), *IN_DOUBT),
        "Use the new passcode. If it is refused, use the old one",
    ),
    State(
        "card read, a passcode refused since",
        SIGN_IN,
        with_rows(with_card(HOLDER), *REFUSED_SINCE),
        "the card has refused a passcode since",
    ),
    State(
        "wrong passcode after a change",
        SIGN_IN,
        with_rows(wrong_at_sign_in, *CHANGED),
        "Use the new passcode, which you chose then",
    ),
    State(
        "wrong passcode after a change that was in doubt",
        SIGN_IN,
        with_rows(wrong_at_sign_in, *SETTLED),
        "use the same passcode as then",
    ),
    State(
        "current one wrong after a change",
        "smartcards.passcode",
        with_rows(wrong_at_a_change, *CHANGED),
        "Your passcode has been changed already",
    ),
    State(
        "change passcode with help, a wrong one after a change",
        SERVICE,
        with_rows(wrong_with_help, *CHANGED),
        "Ask the user for the new one",
    ),
    State(
        "change passcode with help, a wrong one after a change in doubt",
        SERVICE,
        with_rows(wrong_with_help, *SETTLED),
        "the new one is right",
    ),
    State(
        "change passcode with help, in doubt",
        SERVICE,
        with_rows(of_card("/change-passcode", HOLDER), *IN_DOUBT),
        "User’s new passcode",
    ),
)
