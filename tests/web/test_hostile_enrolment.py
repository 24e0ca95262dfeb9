"""What calls itself a bridge with an install code is refused unless all of it is right."""

import itertools
from ipaddress import IPv4Address
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select

from app.card_operations import wire
from app.domain.statuses import WorkstationStatus
from app.extensions import db
from app.models import InstallCode, Workstation
from app.services import install_codes
from reader_bridge.contract import VERSION, Typ
from tests.parts.clock import START
from tests.parts.hostile_bridge import HostileBridge, signed
from tests.parts.properties import BROKEN_JSON, TEXTS, VALUES, altered, as_json, fewer
from tests.parts.workstations import ORIGIN

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("db_session")]

# The code and the nonce of the visit are put in where these stand, if nothing hostile does.
CODE, NONCE = "<the code>", "<the nonce>"
CLAIMS = {"aud": ORIGIN, "nonce": NONCE, "code": CODE, "name": "PC 1", "version": VERSION}

addresses = itertools.count(1)  # each from elsewhere: how many may come from one is limited


class Enrolling(HostileBridge):
    """A bridge on one visit, with an install code that nobody has used."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__(ORIGIN)
        self.code = install_codes.make(label="Ward 4", uses=1, actor=None, now=START).code
        db.session.remove()
        self.client = client
        self.nonce = client.get("/bridge/enrolment").get_json()["challenge"]

    @property
    def header(self) -> dict[str, Any]:
        return self._header(Typ.ENROLMENT) | {"jwk": self.jwk}

    def says(self, claims: dict[str, Any]) -> str:
        given = {CODE: self.code, NONCE: self.nonce}
        filled = {
            name: given.get(value, value) if isinstance(value, str) else value
            for name, value in claims.items()
        }
        return signed(self.header, filled, self.key)

    def brings(self, token: Any) -> int:
        answer = self.client.post(
            "/bridge/enrolment",
            data=as_json({"enrolment": token}).encode(),
            content_type="application/json",
            headers={"X-CSRFToken": self.nonce},
            environ_base={"REMOTE_ADDR": str(IPv4Address(0x0A000000 + next(addresses)))},
        )
        assert answer.status_code < 500, answer.text
        db.session.remove()
        return answer.status_code

    @property
    def enrolled(self) -> Workstation | None:
        """The PC with this key, if the code was spent on it."""
        row = db.session.scalar(
            select(Workstation).where(Workstation.thumbprint == self.key.thumbprint())
        )
        code = db.session.scalars(select(InstallCode).order_by(InstallCode.id.desc())).first()
        assert code is not None
        assert bool(code.used) is (row is not None and row.status is WorkstationStatus.ENROLLED)
        return row


def test_what_the_others_are_made_of_enrols_a_pc(client):
    bridge = Enrolling(client)
    assert bridge.brings(bridge.says(CLAIMS)) == 200
    assert bridge.enrolled is not None


@given(st.one_of(VALUES, st.lists(TEXTS, min_size=3, max_size=3).map(".".join)))
@fewer(4)
def test_what_is_not_signed_at_all_is_refused(client, token):
    bridge = Enrolling(client)
    assert bridge.brings(token) in (400, 409)
    assert bridge.enrolled is None


@given(BROKEN_JSON)
@fewer(4)
def test_broken_claims_under_a_good_header_are_refused(client, text):
    bridge = Enrolling(client)
    header, _, signature = bridge.says(CLAIMS).split(".")
    broken = wire.to_text(text.encode("utf-8", "surrogatepass"))
    assert bridge.brings(f"{header}.{broken}.{signature}") == 409
    assert bridge.enrolled is None


@given(altered({"alg": "Ed25519", "typ": Typ.ENROLMENT.value, "kid": "", "jwk": {}}))
@example({"jwk": HostileBridge(ORIGIN).jwk})
@example({"jwk": {**HostileBridge(ORIGIN).jwk, "d": "A" * 43}})
@example({"typ": Typ.HELLO.value})
@example({"alg": "none"})
@fewer(4)
def test_a_hostile_header_enrols_nobody(client, header):
    bridge = Enrolling(client)
    _, claims, signature = bridge.says(CLAIMS).split(".")
    changed = wire.to_text(as_json(bridge.header | header).encode())
    assert bridge.brings(f"{changed}.{claims}.{signature}") == 409
    assert bridge.enrolled is None


@given(altered(CLAIMS))
@example({**CLAIMS, "name": "\ud800\x00" + "x" * 10_000})
@example({**CLAIMS, "version": ["1"]})
@example({**CLAIMS, "code": [CODE]})
@example({**CLAIMS, "code": f"{CODE}\x00"})
@example({**CLAIMS, "aud": [ORIGIN]})
@example({**CLAIMS, "nonce": None})
@fewer(4)
def test_signed_claims_enrol_only_with_this_code_on_this_visit_and_a_name_to_be_read(
    client, claims
):
    bridge = Enrolling(client)
    right = all(claims.get(name) == CLAIMS[name] for name in ("aud", "nonce", "code"))
    assert bridge.brings(bridge.says(claims)) == (200 if right else 409)
    pc = bridge.enrolled
    assert (pc is not None) is right
    assert pc is None or (pc.name.isprintable() and 0 < len(pc.name) <= 100)
