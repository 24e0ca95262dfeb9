"""What a workstation says of a step, signed with its own key: the bridge's word, not the card's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from app.card_operations import wire
from reader_bridge.contract import Typ

DONE = "done"
MOST_KEYS = 1024  # of workstations, that are kept as they were read


class ReceiptRefused(Exception):
    """The receipt is not this workstation's word on this step. ``problem`` says what differs."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """``outcome`` is "done" or the code of the error; ``claims`` carry its facts."""

    outcome: str
    claims: Mapping[str, Any]

    def says(self, facts: Mapping[str, Any]) -> bool:
        """Say whether the workstation has signed each of these facts of an error."""
        signed = self.claims.get("facts")
        known = signed if isinstance(signed, Mapping) else {}
        return all(name in known and known[name] == value for name, value in facts.items())


@lru_cache(MOST_KEYS)
def _key(jwk: tuple[tuple[str, Any], ...]) -> OKPKey:
    return OKPKey.import_key(dict(jwk))


def verify(
    token: object,
    workstation: Mapping[str, Any],
    *,
    origin: str,
    sid: str,
    operation: str,
    step: int,
    jti: str,
    results: list[Any] | None,
) -> Receipt:
    """Check a receipt; ``results`` is what the page brought with it, None beside an error.

    Raises:
        ReceiptRefused: signed by another, about another step, or of other results.
    """
    try:
        key = _key(tuple(sorted(workstation.items())))
        claims = wire.verified_claims(token, key, wire.ED25519, Typ.RECEIPT)
    except (wire.Malformed, JoseError, ValueError) as error:
        raise ReceiptRefused(f"receipt: {error}") from error
    wanted: dict[str, object] = {
        "aud": origin, "sid": sid, "op": operation, "step": step, "jti": jti,
    }  # fmt: skip
    if results is not None:
        wanted["digest"] = wire.digest(results)
        wanted["outcome"] = DONE
    for name, value in wanted.items():
        if claims.get(name) != value:
            raise ReceiptRefused(f"receipt: {name}")
    return Receipt(outcome=str(claims.get("outcome")), claims=claims)
