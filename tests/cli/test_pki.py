"""`flask pki …`: successors of issuing authorities, and the root's own list."""

import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from app.pki.authority import BuiltInAuthority
from app.pki.validation import check
from reader_bridge.contract import Slot
from tests.parts.authority import ORIGIN, PASSPHRASE
from tests.parts.clock import START

SPKI = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)
GUID = UUID("8b0ad0cb-5a8c-4b3c-9c43-0d1f9a6f4b55")


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Path:
    folder = tmp_path / "pki"
    a_year_ago = START - timedelta(days=365)
    BuiltInAuthority.create(folder, PASSPHRASE.encode(), now=a_year_ago, origin=ORIGIN)
    app.config.update(PKI_FOLDER=str(folder), ISSUER_PASSPHRASE=PASSPHRASE, PKI_ORIGIN=ORIGIN)
    app.extensions.pop("card_office", None)
    return folder


def pki(app: Flask, *words: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["pki", *map(str, words)])


def opened(folder: Path) -> BuiltInAuthority:
    return BuiltInAuthority.open(folder, PASSPHRASE.encode(), origin=ORIGIN)


def issue(authority: BuiltInAuthority) -> bytes:
    return authority.issue(Slot.AUTHENTICATION, SPKI, uuid="500200300100", guid=GUID, now=START).der


def test_a_successor_issues_and_the_one_before_it_is_still_believed(
    app: Flask, folder: Path
) -> None:
    before = issue(opened(folder))
    assert pki(app, "successor", "issuing").exit_code == 0
    authority = opened(folder)
    assert set(authority.authorities) == {"issuing", "issuing-2", "card-authentication"}
    after = issue(authority)
    issuers = [
        check(each, Slot.AUTHENTICATION, authority, now=START).issuer.rfc4514_string()
        for each in (before, after)
    ]
    assert issuers == [
        "CN=Care Identity Service Issuing Authority",
        "CN=Care Identity Service Issuing Authority 2",
    ]
    (point,) = (
        x509.load_der_x509_certificate(after)
        .extensions.get_extension_for_class(x509.CRLDistributionPoints)
        .value
    )
    assert point.full_name[0].value.startswith(f"{ORIGIN}/pki/issuing-2/")


def test_the_root_s_key_may_be_elsewhere(app: Flask, folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "stick.pem"
    shutil.move(folder / "root-key.pem", away)
    refused = pki(app, "successor", "issuing")
    assert "root-key.pem" in refused.output
    assert refused.exit_code != 0
    assert not (folder / "issuing-2-key.pem").exists()
    assert pki(app, "successor", "issuing", "--root-key", away).exit_code == 0
    assert "issuing-2" in opened(folder).authorities


def test_the_root_s_key_may_be_on_another_machine(app: Flask, folder: Path, tmp_path: Path) -> None:
    request, certificate = tmp_path / "request", tmp_path / "issuing-2.pem"
    assert pki(app, "successor", "issuing", "--request", request).exit_code == 0
    assert "issuing-2" not in opened(folder).authorities
    assert pki(app, "sign", "issuing-2", request, certificate).exit_code == 0
    shutil.copy(certificate, folder)
    assert "issuing-2" in opened(folder).authorities


def test_a_successor_s_key_is_made_in_the_token_and_the_first_stays_in_its_file(
    app: Flask, folder: Path, softhsm: dict[str, str]
) -> None:
    app.config.update(softhsm)
    made = pki(app, "successor", "card-authentication")
    assert made.exit_code == 0, made.output
    assert not (folder / "card-authentication-2-key.pem").exists()
    shown = pki(app, "show").output
    assert "card-authentication-2" in shown
    assert "issuing" in shown


def test_another_root_s_key_signs_nothing(app: Flask, folder: Path, tmp_path: Path) -> None:
    BuiltInAuthority.create(tmp_path / "other", PASSPHRASE.encode(), now=START)
    other = tmp_path / "other" / "root-key.pem"
    for words in (("successor", "issuing"), ("root-list",)):
        refused = pki(app, *words, "--root-key", other)
        assert "is not the root's key" in refused.output
        assert refused.exit_code != 0


def test_the_root_s_list_is_made_anew_and_forgets_nothing(app: Flask, folder: Path) -> None:
    def listed() -> tuple[int, set[int]]:
        made = x509.load_der_x509_crl((folder / "root.crl").read_bytes())
        number = made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        return number, {each.serial_number for each in made}

    serial = opened(folder).authorities["issuing"].certificate.serial_number
    assert listed() == (1, set())
    assert "revokes 1" in pki(app, "root-list", "--revoke", "issuing").output
    assert listed() == (2, {serial})
    assert pki(app, "root-list", "--revoke", "issuing").exit_code == 0
    assert pki(app, "root-list").exit_code == 0
    assert listed() == (4, {serial})
    assert pki(app, "root-list", "--revoke", "../root").exit_code != 0


def test_it_shows_the_authorities_and_when_the_root_s_list_is_due(app: Flask, folder: Path) -> None:
    shown = pki(app, "show").output
    for name in ("root", "issuing", "card-authentication"):
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        assert certificate.subject.rfc4514_string() in shown
    assert "make it anew" in shown
    assert pki(app, "root-list").exit_code == 0
    app.extensions.pop("card_office")
    assert "make it anew" not in pki(app, "show").output


def test_without_an_authority_it_says_so(app: Flask, tmp_path: Path) -> None:
    app.config["PKI_FOLDER"] = str(tmp_path)
    app.extensions.pop("card_office", None)
    for words in (("show",), ("successor", "issuing"), ("root-list",)):
        refused = pki(app, *words)
        assert refused.exit_code == 1
        assert str(tmp_path) in refused.output
