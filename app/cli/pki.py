"""`flask pki …`: what an administrator does with the certificate authority.

The root's key is needed for some of it, and for nothing else: keep it on a medium of its own.
"""

from datetime import timedelta
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from flask.cli import AppGroup

from app import clock
from app.card_operations.office import current_office
from app.pki import making
from app.pki.authority import AuthorityUnusable, Issuer
from app.pki.key_stores import PUBLIC, KeyStore, KeyUnusable, key_store, open_file, write_new
from app.pki.making import ROOT
from app.pki.profiles import CARDS, PERSONS

SOON = timedelta(days=60)

pki = AppGroup("pki", help="The certificate authority.")

root_key_option = click.option(
    "--root-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the root's key is; in PKI_FOLDER otherwise.",
)
line_argument = click.argument("line", type=click.Choice([PERSONS, CARDS]))


@pki.command()
def show() -> None:
    """Print the authorities, how long they are good, and the addresses of what they say."""
    issuer = _issuer()
    root = issuer.roots[0]
    click.echo(_described(ROOT, root))
    for authority in issuer.authorities.values():
        click.echo(_described(authority.name, authority.certificate))
    content = issuer.root_list
    if content is None:
        click.echo("The root has no list yet: make it with `flask --app wsgi pki root-list`")
        return
    ends = x509.load_der_x509_crl(content).next_update_utc
    assert ends is not None
    late = ends - clock.now() < SOON
    click.echo(f"root.crl is good until {ends:%d %B %Y}" + (": make it anew" if late else ""))


@pki.command("successor")
@line_argument
@root_key_option
@click.option(
    "--request",
    "request_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a request to this file, for a root that is elsewhere, and no certificate.",
)
def make_successor(line: str, root_key: Path | None, request_file: Path | None) -> None:
    """Make the next issuing authority of LINE, with a key where ISSUER says.

    Start the server again afterwards: from then on it issues. The one before it stays, and goes on
    answering for what it has signed.
    """
    folder, passphrase = _folder(), _passphrase()
    name = making.successor_of(folder, line)
    keys = key_store(current_app.config, folder, passphrase)
    signs = None if request_file else _root_key(root_key)  # before anything is made
    try:
        key = _made_or_there(keys, name)
    except KeyUnusable as error:
        raise click.ClickException(str(error)) from error
    if request_file is not None:
        asked = making.request(name, key).public_bytes(Encoding.PEM)
        write_new(request_file, asked, PUBLIC)
        click.echo(
            f"{request_file} asks for the certificate of {name}. Where the root's key is: `flask "
            f"--app wsgi pki sign {name} {request_file.name} {name}.pem`, then put {name}.pem into "
            f"{folder}"
        )
        return
    assert signs is not None
    _certify(name, key.public_key(), signs, making.certificate_file(folder, name))
    click.echo(f"{name} issues from now on: start the server again")


@pki.command()
@click.argument("name")
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("certificate_file", type=click.Path(dir_okay=False, path_type=Path))
@root_key_option
def sign(name: str, request_file: Path, certificate_file: Path, root_key: Path | None) -> None:
    """Sign with the root's key what `successor --request` asked for."""
    asked = x509.load_pem_x509_csr(request_file.read_bytes())
    public = asked.public_key()
    if not (making.NAMES.fullmatch(name) and asked.is_signature_valid):
        raise click.ClickException(f"{request_file} does not ask for a certificate of {name}")
    if not (isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"):
        raise click.ClickException("the key in it is not P-256")
    _certify(name, public, _root_key(root_key), certificate_file)
    click.echo(f"{certificate_file} is the certificate of {name}")


@pki.command("root-list")
@root_key_option
@click.option("--revoke", metavar="NAME", help="An authority that nobody may rely on any more.")
def root_list(root_key: Path | None, revoke: str | None) -> None:
    """Sign the root's own list of revoked authorities anew: once a year, or with --revoke at once.

    It lies in PKI_FOLDER as root.crl; where the root's key is elsewhere, copy it there afterwards.
    """
    folder = _folder()
    revoked = None
    if revoke is not None:
        file = making.certificate_file(folder, revoke)
        if not making.NAMES.fullmatch(revoke) or not file.exists():
            raise click.ClickException(f"there is no authority {revoke} in {folder}")
        revoked = x509.load_pem_x509_certificate(file.read_bytes())
    made = making.write_root_list(
        folder, _root(folder), _root_key(root_key), now=clock.now(), revoke=revoked
    )
    click.echo(f"root.crl revokes {len(made)} and is good until {made.next_update_utc:%d %B %Y}")


def _made_or_there(keys: KeyStore, name: str) -> ec.EllipticCurvePrivateKey:
    """A key that was made for a request, or by a run that was cut off, is used."""
    try:
        return keys.make(name)
    except FileExistsError:
        return keys.open(name)


def _certify(
    name: str,
    public: ec.EllipticCurvePublicKey,
    signs: ec.EllipticCurvePrivateKey,
    file: Path,
) -> None:
    made = making.certify(
        name, public, _root(_folder()), signs, origin=_issuer_origin(), now=clock.now()
    )
    write_new(file, made.public_bytes(Encoding.PEM), PUBLIC)


def _root(folder: Path) -> x509.Certificate:
    file = making.certificate_file(folder, ROOT)
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error


def _root_key(file: Path | None) -> ec.EllipticCurvePrivateKey:
    """The root's key, opened with ISSUER_PASSPHRASE, if it is the root's."""
    file = file or _folder() / f"{ROOT}-key.pem"
    try:
        key = open_file(file, _passphrase())
    except KeyUnusable as error:
        raise click.ClickException(f"the root's key: {error}") from error
    if key.public_key() != _root(_folder()).public_key():
        raise click.ClickException(f"{file} is not the root's key")
    return key


def _folder() -> Path:
    if not current_app.config["PKI_FOLDER"]:
        raise click.ClickException("PKI_FOLDER is not set")
    return Path(current_app.config["PKI_FOLDER"])


def _passphrase() -> bytes:
    return str(current_app.config["ISSUER_PASSPHRASE"]).encode()


def _issuer_origin() -> str:
    return str(current_app.config["PKI_ORIGIN"] or current_app.config["ORIGIN"])


def _issuer() -> Issuer:
    try:
        return current_office().issuer
    except AuthorityUnusable as error:
        raise click.ClickException(str(error)) from error


def _described(name: str, certificate: x509.Certificate) -> str:
    ends = certificate.not_valid_after_utc
    return (
        f"{name}: {certificate.subject.rfc4514_string()}, good until {ends:%d %B %Y}\n"
        f"  SHA-256 {certificate.fingerprint(hashes.SHA256()).hex(':').upper()}"
    )
