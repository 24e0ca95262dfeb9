"""Management authentication (9B) over the steps of an operation: witness, answer, response.

The card's witness is the last command of one step, and the answer to it the first of the next one,
in the same transaction. The operation's facts carry both from step to step.
"""

from app.card_operations import management, wire
from app.card_operations.base import Result, Turn
from app.card_operations.management import ManagementKey, ManagementRefused
from app.card_operations.tickets import Work
from reader_bridge.contract import Command


def witness_work() -> Work:
    """Ask the card for a witness: the last item of its ticket."""
    return {"command": Command.OPEN_MANAGEMENT.value}


def note_witness(turn: Turn, opened: Result) -> str:
    """Keep the card's witness for the next ticket. Return the algorithm of its key.

    Raises:
        ManagementRefused: it is none.
    """
    algorithm, witness = management.witness(opened)
    turn.operation.facts["witness"] = wire.to_text(witness)
    turn.operation.facts["witness_algorithm"] = algorithm
    return algorithm


def answer_work(turn: Turn, key: ManagementKey) -> Work:
    """Answer the witness and challenge the card in turn: the first item of its ticket.

    Raises:
        ManagementRefused: the card's key has another algorithm.
    """
    own = turn.operation.facts
    if own["witness_algorithm"] != key.algorithm:
        raise ManagementRefused("algorithm")
    made = management.answer(key, wire.to_bytes(own["witness"]))
    own["challenge"] = wire.to_text(made.challenge)
    return {
        "command": Command.ANSWER_MANAGEMENT.value,
        "algorithm": key.algorithm,
        "answer": wire.to_text(made.answer),
        "challenge": own["challenge"],
    }


def check_response(turn: Turn, answered: Result, key: ManagementKey) -> None:
    """Make sure that the card knows the key too: only then does anything it says of it count.

    Raises:
        ManagementRefused: it does not.
    """
    challenge = wire.to_bytes(turn.operation.facts["challenge"])
    management.check(key, challenge, wire.to_bytes(answered.get("response")))
