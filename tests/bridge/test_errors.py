"""The table that turns errors into codes."""

import inspect

import pytest

from reader_bridge import errors
from reader_bridge.contract import Code, Command, Outcome, PasscodeRefusal
from reader_bridge.errors import WorkFailed, describe
from reader_bridge.lanes import TimedOut
from reader_bridge.piv import errors as piv
from reader_bridge.readers import protocol as readers
from reader_bridge.tickets import TicketRefused

KNOWN = (*errors.CODES, *errors.CARD_SAID_NO, piv.CardRemoved, WorkFailed)


@pytest.mark.parametrize("module", [errors, piv, readers])
def test_every_error_of_cards_readers_and_bridge_has_its_code(module):
    bases = {errors.BridgeError, piv.CardError, readers.ReaderError}
    found = {
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind not in bases
    }
    assert [kind.__name__ for kind in found if not issubclass(kind, KNOWN)] == []


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (piv.WrongPin(2), {"code": Code.WRONG_PASSCODE, "left": 2}),
        (piv.PinBlocked(), {"code": Code.PASSCODE_LOCKED}),
        (piv.PinRefused(), {"code": Code.PASSCODE_REFUSED, "rule": PasscodeRefusal.CARD}),
        (piv.NotAPivCard(0x6A82), {"code": Code.NOT_A_PIV_CARD}),
        (readers.CardBusy(), {"code": Code.CARD_BUSY}),
        (readers.NoService(), {"code": Code.NO_SERVICE}),
        (TicketRefused(Code.TICKET_USED, "twice"), {"code": Code.TICKET_USED}),
        (errors.PukRefused(1, [0]), {"code": Code.PUK_REFUSED, "left": 1, "refused": [0]}),
    ],
)
def test_an_error_keeps_its_facts(error, facts):
    assert describe(error) == facts


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_lost_answer_says_whether_the_card_may_have_done_it(outcome):
    assert describe(piv.CardRemoved(), outcome) == {"code": Code.CARD_REMOVED, "outcome": outcome}


def test_a_card_that_says_no_is_named_with_the_command_and_its_status():
    failed = WorkFailed(Command.GENERATE_KEY)
    failed.__cause__ = piv.UnexpectedStatus(0x6A80, 0x47)
    assert describe(failed) == {
        "code": Code.CARD_REFUSED,
        "command": Command.GENERATE_KEY,
        "outcome": Outcome.NONE,
        "sw": "6a80",
    }


@pytest.mark.parametrize("error", [RuntimeError("a secret"), TimedOut(), KeyError("PIN 1234")])
def test_an_unknown_error_is_failed_and_says_nothing(error):
    assert describe(error) == {"code": Code.FAILED, "outcome": Outcome.NONE}
