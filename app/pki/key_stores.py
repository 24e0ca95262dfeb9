"""Where the private keys of authorities are kept: in encrypted files, or in a token (token.py)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY_FILE = "{name}-key.pem"
SECRET, PUBLIC = 0o600, 0o644


class KeyUnusable(Exception):
    """There is no such key here, or it does not open."""


class KeyStore(Protocol):
    """Keeps P-256 keys, each by the name of its authority."""

    def make(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Make a key and keep it.

        Raises:
            FileExistsError: there is one by that name.
            KeyUnusable: the store cannot be written to.
        """

    def open(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Return a key to sign with.

        Raises:
            KeyUnusable: there is none by that name, or it does not open.
        """


@dataclass(frozen=True)
class KeyFiles:
    """Encrypted PEM files in one folder, readable by their owner alone."""

    folder: Path
    passphrase: bytes

    def make(self, name: str) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        self.keep(name, key)
        return key

    def keep(self, name: str, key: ec.EllipticCurvePrivateKey) -> None:
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self.passphrase),
        )
        write_new(self.path(name), secret, SECRET)

    def open(self, name: str) -> ec.EllipticCurvePrivateKey:
        return open_file(self.path(name), self.passphrase)

    def path(self, name: str) -> Path:
        return self.folder / KEY_FILE.format(name=name)


@dataclass(frozen=True)
class FirstThat:
    """Several stores as one: the first makes keys, and the first that has a key opens it.

    So an authority whose key lies in a file goes on while its successor's is in a token.
    """

    stores: Sequence[KeyStore]

    def make(self, name: str) -> ec.EllipticCurvePrivateKey:
        return self.stores[0].make(name)

    def open(self, name: str) -> ec.EllipticCurvePrivateKey:
        problems = []
        for store in self.stores:
            try:
                return store.open(name)
            except KeyUnusable as problem:
                problems.append(str(problem))
        raise KeyUnusable("; ".join(problems))


def key_store(settings: Mapping[str, Any], folder: Path, passphrase: bytes) -> KeyStore:
    """Return where the settings have the keys: in a token where ISSUER says so, else in files."""
    files = KeyFiles(folder, passphrase)
    if settings.get("ISSUER") != "pkcs11":
        return files
    from app.pki.token import Token  # needs a library that not every server has

    token = Token(settings["PKCS11_MODULE"], settings["PKCS11_TOKEN"], settings["PKCS11_PIN"])
    return FirstThat((token, files))


def open_file(path: Path, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """Open an encrypted key.

    Raises:
        KeyUnusable: the file is missing, is no elliptic curve key, or the passphrase is wrong.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except (OSError, ValueError, TypeError) as error:
        raise KeyUnusable(f"{path}: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyUnusable(f"{path} is not an elliptic curve key")
    return key


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that was not there.

    Raises:
        FileExistsError: it was there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
