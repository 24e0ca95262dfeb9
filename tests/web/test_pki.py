"""/pki/ as programs ask it: right at once, cacheable, without cookies, on both databases."""

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from sqlalchemy.exc import OperationalError

from app.domain.card_lifecycle import CardEvent
from app.domain.revocation import shard_of
from app.extensions import db
from app.models import Certificate
from app.pki.ocsp_request import MOST_BYTES
from app.pki.profiles import CARDS, PERSONS
from tests.parts.authority import ORIGIN, authority_folder, authority_office
from tests.parts.certificates import a_certificate, many_revoked
from tests.parts.clock import START
from tests.parts.people import a_card, a_person

__all__ = ["authority_folder", "authority_office"]
pytestmark = pytest.mark.usefixtures("db_session")
both_databases = pytest.mark.both_databases
SHA1 = hashes.SHA1()  # noqa: S303 - what most programs send
REASON = x509.CRLReason


@pytest.fixture
def card():
    return a_card(a_person())


@pytest.fixture
def certificate(card):
    return a_certificate(card)


@pytest.fixture
def issuing(authority_office):
    return authority_office.issuer.authorities[PERSONS].certificate


@pytest.fixture
def ask(client, authority_office, issuing):
    """Ask by OCSP about a serial, by POST or by GET."""

    def asked(serial, method="POST", **headers):
        name = hashes.Hash(SHA1)
        name.update(issuing.subject.public_bytes())
        key = x509.SubjectKeyIdentifier.from_public_key(issuing.public_key()).digest
        builder = ocsp.OCSPRequestBuilder()
        asking = (name.finalize(), key, int(serial, 16), SHA1)
        body = builder.add_certificate_by_hash(*asking).build().public_bytes(Encoding.DER)
        if method == "POST":
            kind = {"content_type": "application/ocsp-request"}
            return client.post("/pki/ocsp", data=body, headers=headers, **kind)
        text = quote(base64.b64encode(body).decode(), safe="")
        return client.get(f"/pki/ocsp/{text}", headers=headers)

    return asked


@pytest.fixture
def fetch(client, issuing):
    """Fetch a list, have its signature checked, and return it."""

    def fetched(address=f"/pki/{PERSONS}.crl"):
        answer = client.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "application/pkix-crl")
        made = x509.load_der_x509_crl(answer.data)
        assert made.is_signature_valid(issuing.public_key())
        return made

    return fetched


def said(answer):
    made = ocsp.load_der_ocsp_response(answer.data)
    if made.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return made.revocation_reason.value
    return made.certificate_status.name.lower()


def listed(crl):
    return {
        f"{each.serial_number:x}": each.extensions.get_extension_for_class(
            REASON
        ).value.reason.value
        for each in crl
    }


def revoke(certificate, reason="superseded", at=START):
    certificate.status, certificate.revoked_at = "revoked", at
    certificate.revocation_reason = reason
    db.session.commit()


def shard_of_row(certificate: Certificate) -> str:
    return f"/pki/{PERSONS}/{shard_of(certificate.serial):02x}.crl"


@both_databases
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_ocsp_and_lists_say_the_same_at_once(ask, fetch, card, certificate, method):
    addresses = (f"/pki/{PERSONS}.crl", shard_of_row(certificate))

    def everywhere():
        lists = [listed(fetch(address)).get(certificate.serial, "good") for address in addresses]
        return {said(ask(certificate.serial, method)), *lists}

    assert everywhere() == {"good"}
    card.apply(CardEvent.SUSPEND, now=START)
    db.session.commit()
    assert everywhere() == {"certificateHold"}
    card.apply(CardEvent.RESUME, now=START)
    db.session.commit()
    assert everywhere() == {"good"}
    revoke(certificate, "key-compromise")
    assert everywhere() == {"keyCompromise"}
    card.apply(CardEvent.CANCEL, now=START)
    db.session.commit()
    assert everywhere() == {"keyCompromise"}


@both_databases
def test_a_certificate_that_is_held_is_on_hold_and_then_good(ask, fetch, card):
    certificate = a_certificate(card, status="held")
    assert said(ask(certificate.serial)) == "certificateHold"
    assert listed(fetch()) == {certificate.serial: "certificateHold"}
    certificate.status = "active"
    db.session.commit()
    assert said(ask(certificate.serial)) == "good"
    assert listed(fetch()) == {}


def test_nobody_s_serial_is_unknown(ask):
    assert said(ask("77ff")) == "unknown"


@both_databases
def test_a_shard_lists_its_own_and_says_which_it_is(fetch, card):
    ours, other = "7f00aa", "7f00ab"
    for serial in (ours, other):
        revoke(a_certificate(card, serial=serial))
    shard = fetch(f"/pki/{PERSONS}/aa.crl")
    assert listed(shard) == {ours: "superseded"}
    scope = shard.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical
    assert [each.value for each in scope.value.full_name] == [f"{ORIGIN}/pki/{PERSONS}/aa.crl"]
    assert listed(fetch()) == {ours: "superseded", other: "superseded"}


def test_each_authority_lists_its_own(client, fetch, card, authority_office):
    revoke(a_certificate(card, issuer=CARDS))
    assert listed(fetch()) == {}
    made = x509.load_der_x509_crl(client.get(f"/pki/{CARDS}.crl").data)
    assert made.is_signature_valid(
        authority_office.issuer.authorities[CARDS].certificate.public_key()
    )
    assert len(made) == 1


@both_databases
def test_what_has_expired_leaves_the_list_a_day_later(fetch, clock, certificate):
    revoke(certificate)
    clock.set(certificate.not_after + timedelta(hours=23))
    assert listed(fetch()) == {certificate.serial: "superseded"}
    clock.set(certificate.not_after + timedelta(hours=25))
    assert listed(fetch()) == {}


@both_databases
def test_a_list_is_signed_when_it_changes_or_is_an_hour_old_and_its_number_only_grows(
    fetch, clock, certificate
):
    def number():
        made = fetch()
        assert made.next_update_utc > clock() >= made.last_update_utc
        return made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    first = number()
    clock.set(START + timedelta(minutes=59))
    assert number() == first
    revoke(certificate)
    second = number()
    assert second > first
    assert number() == second
    clock.set(START + timedelta(minutes=59 + 60))
    third = number()
    assert third > second
    clock.set(START)  # a clock that was put back
    assert number() > third


def test_a_list_that_has_not_changed_is_not_sent_again(client, fetch, certificate):
    fetch()
    answer = client.get(f"/pki/{PERSONS}.crl")
    tag, since = answer.headers["ETag"], answer.headers["Last-Modified"]
    assert "must-revalidate" in answer.headers["Cache-Control"]
    for condition in ({"If-None-Match": tag}, {"If-Modified-Since": since}):
        again = client.get(f"/pki/{PERSONS}.crl", headers=condition)
        assert (again.status_code, again.data) == (304, b"")
    revoke(certificate)
    assert client.get(f"/pki/{PERSONS}.crl", headers={"If-None-Match": tag}).status_code == 200


def test_a_prepared_answer_is_kept_by_caches_and_asked_for_again(ask, certificate):
    answer = ask(certificate.serial, "GET")
    tag = answer.headers["ETag"]
    assert "max-age=0" in answer.headers["Cache-Control"]
    again = ask(certificate.serial, "GET", **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    revoke(certificate)
    assert said(ask(certificate.serial, "GET", **{"If-None-Match": tag})) == "superseded"
    assert ask(certificate.serial).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["root", PERSONS, CARDS])
def test_certificates_of_authorities_are_to_be_had(client, authority_office, name):
    answer = client.get(f"/pki/{name}.crt")
    assert answer.mimetype == "application/pkix-cert"
    made = x509.load_der_x509_certificate(answer.data)
    made.verify_directly_issued_by(authority_office.issuer.roots[0])


def test_the_root_s_own_list_is_a_file(client, authority_office):
    answer = client.get("/pki/root.crl")
    made = x509.load_der_x509_crl(answer.data)
    assert made.is_signature_valid(authority_office.issuer.roots[0].public_key())
    assert len(made) == 0


@pytest.mark.parametrize(
    "address",
    ["/pki/other.crl", "/pki/issuing/zz.crl", "/pki/root/00.crl", "/pki/issuing/00.crt",
     "/pki/root-key.pem", "/pki/../config.crt", "/pki/issuing.pem"],
)  # fmt: skip
@pytest.mark.usefixtures("authority_office")
def test_there_is_nothing_else(client, address):
    assert client.get(address).status_code == 404


def test_no_cookie_is_set_and_none_is_looked_at(client, ask, certificate):
    client.set_cookie("cis", "nonsense")
    for answer in (
        ask(certificate.serial),
        ask(certificate.serial, "GET"),
        client.get(f"/pki/{PERSONS}.crl"),
        client.get("/pki/root.crt"),
    ):
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
        assert "Vary" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("body", [b"", b"nonsense", bytes(MOST_BYTES + 1)], ids=len)
@pytest.mark.usefixtures("authority_office")
def test_what_is_no_request_is_malformed(client, body):
    answer = client.post("/pki/ocsp", data=body)
    made = ocsp.load_der_ocsp_response(answer.data)
    assert made.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("text", ["nonsense", "%%%", "TQ", "M" * 20_000], ids=len)
@pytest.mark.usefixtures("authority_office")
def test_what_is_no_request_in_an_address_is_malformed(client, text):
    made = ocsp.load_der_ocsp_response(client.get(f"/pki/ocsp/{text}").data)
    assert made.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_while_the_database_is_away_whoever_asks_is_told_to_try_later(client, ask, certificate):
    serial = certificate.serial

    @db.event.listens_for(db.engine, "checkout")
    def away(*_):
        raise OperationalError("", {}, Exception("away"))

    try:
        answer, crl = ask(serial), client.get(f"/pki/{PERSONS}.crl")
    finally:
        db.event.remove(db.engine, "checkout", away)
    made = ocsp.load_der_ocsp_response(answer.data)
    assert made.response_status is ocsp.OCSPResponseStatus.TRY_LATER
    assert (crl.status_code, crl.headers["Retry-After"]) == (503, "30")
    assert said(ask(serial)) == "good"


def test_while_the_authority_cannot_be_opened_whoever_asks_is_told_to_try_later(
    app, client, tmp_path, authority_office
):
    app.config["PKI_FOLDER"] = str(tmp_path)
    app.extensions.pop("card_office")
    answer = ocsp.load_der_ocsp_response(client.post("/pki/ocsp", data=b"0").data)
    assert answer.response_status is ocsp.OCSPResponseStatus.TRY_LATER
    assert client.get("/pki/root.crt").status_code == 503


@both_databases
def test_an_answer_costs_no_connection_of_the_pool_whatever_is_revoked(ask, card):
    serials = many_revoked(card, 500)
    ask(serials[0])
    taken = []

    @db.event.listens_for(db.engine, "checkout")
    def take(*_):
        taken.append(1)

    try:
        assert said(ask(serials[1])) == "superseded"
    finally:
        db.event.remove(db.engine, "checkout", take)
    assert taken == []


def test_an_answer_costs_one_statement_whatever_is_revoked(ask, card):
    serials = many_revoked(card, 500)
    db.engine.dispose()
    statements = []

    @db.event.listens_for(db.engine, "connect")
    def listen(connection, _entry):
        connection.set_trace_callback(statements.append)

    try:
        ask(serials[0])
        statements.clear()
        assert said(ask(serials[1])) == "superseded"
    finally:
        db.event.remove(db.engine, "connect", listen)
    assert len(statements) == 1
    assert statements[0].startswith("SELECT")


@both_databases
def test_a_list_that_holds_costs_three_queries_and_one_that_changed_six(fetch, card, count_queries):
    many_revoked(card, 500)
    assert len(fetch()) == 500
    with count_queries() as queries:
        fetch()
    assert len(queries) == 3
    revoke(a_certificate(card))
    with count_queries() as queries:
        assert len(fetch()) == 501
    assert len([each for each in queries if not each.startswith("PRAGMA")]) == 6


# The page


def test_the_page_says_what_to_trust_and_where_to_ask(client, authority_office):
    text = client.get("/pki/").text.replace("<wbr>", "")
    issuer = authority_office.issuer
    for certificate in (*issuer.roots, *issuer.intermediates):
        assert certificate.fingerprint(hashes.SHA256()).hex(":").upper() in text
    for address in ("root.crt", "root.crl", "issuing.crt", "issuing.crl", "ocsp"):
        assert f"{ORIGIN}/pki/{address}" in text


def test_without_an_authority_the_page_says_whom_to_tell(client, app, tmp_path, authority_office):
    app.config["PKI_FOLDER"] = str(tmp_path)
    app.extensions.pop("card_office")
    answer = client.get("/pki/")
    assert answer.status_code == 503
    assert "Tell whoever runs the server" in answer.text


# Many


def test_a_hundred_thousand_revoked_cost_no_more_queries_and_no_look_beside_the_index(
    fetch, ask, card, certificate
):
    address = shard_of_row(certificate)
    serials = many_revoked(card, 100_000)
    assert said(ask(serials[-1])) == "superseded"
    assert len(fetch()) == 100_000
    shard = fetch(address)
    assert 200 < len(shard) < 800
    revoke(certificate)
    asked = []

    @db.event.listens_for(db.engine, "before_cursor_execute")
    def ask_for_plan(connection, cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    try:
        assert len(fetch(address)) == len(shard) + 1
    finally:
        db.event.remove(db.engine, "before_cursor_execute", ask_for_plan)
    assert len(asked) == 6
    counting = next(each for each in asked if "max(certificate.revoked_at)" in each[0])
    plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {counting[0]}", counting[1])
    assert "USING COVERING INDEX ix_certificate_not_good" in plan.one()[3]
