"""Keys of authorities in a PKCS#11 token: they sign there, and never leave it.

Needs python-pkcs11 (maintained, and in `requirements.txt`) and the module of the token's maker. A
key is found by its label, which is the name of its authority; it is P-256, as those in files are.
"""

import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self, TypeVar

import pkcs11
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pkcs11.util.ec import encode_named_curve_parameters

from app.pki.key_stores import KeyUnusable

_CURVE = ec.SECP256R1()
_BYTES = 32  # of each half of a signature
_FAILURES = (pkcs11.PKCS11Error, OSError, RuntimeError)
_PIN_REFUSED = (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Token:
    """A ``KeyStore`` in the token with this label. One session, one thing at a time."""

    module: str
    label: str
    pin: str = field(repr=False)
    _session: "_Session" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_session", _Session(self.module, self.label, self.pin))

    def make(self, name: str) -> ec.EllipticCurvePrivateKey:
        if self._session.do(lambda session: _find(session, pkcs11.ObjectClass.PRIVATE_KEY, name)):
            raise FileExistsError(f"the token {self.label} has a key called {name} already")
        self._session.do(lambda session: _generate(session, name))
        return self.open(name)

    def open(self, name: str) -> ec.EllipticCurvePrivateKey:
        public = self._session.do(
            lambda session: _find(session, pkcs11.ObjectClass.PUBLIC_KEY, name)
        )
        private = self._session.do(
            lambda session: _find(session, pkcs11.ObjectClass.PRIVATE_KEY, name)
        )
        if public is None or private is None:
            raise KeyUnusable(f"the token {self.label} has no pair of keys called {name}")
        return _TokenKey(self._session, name, _public_key(public, name))


class _Session:
    """A session of this process's with the token: opened when needed, and again when it is gone."""

    def __init__(self, module: str, label: str, pin: str) -> None:
        self._module, self._label, self._pin = module, label, pin
        self._lock = threading.Lock()
        self._open: Any = None
        self._process: int | None = None
        self._refused: str | None = None

    def do(self, work: Callable[[Any], Made]) -> Made:
        """Do something in the session; once more in a new one if an open one has been closed.

        A PIN that was refused is not tried again: a token counts, and locks itself.

        Raises:
            KeyUnusable: the module, the token or its PIN is not as the settings say.
        """
        with self._lock:
            if self._refused is not None:
                raise KeyUnusable(self._refused)
            if self._open is not None:
                try:
                    return work(self._session())
                except _FAILURES:
                    self._open = None
            try:
                return work(self._session())
            except _FAILURES as error:
                self._open = None
                told = str(error) or type(error).__name__
                problem = f"token {self._label}, {self._module}: {told}"
                if isinstance(error, _PIN_REFUSED):
                    self._refused = problem
                raise KeyUnusable(problem) from error

    def _session(self) -> Any:
        if self._open is None or self._process != os.getpid():
            library = pkcs11.lib(self._module)
            if self._process not in (None, os.getpid()):
                library.reinitialize()  # a module knows nothing of a process that was forked
            token = library.get_token(token_label=self._label)
            try:
                self._open = token.open(rw=True, user_pin=self._pin)
            except pkcs11.UserAlreadyLoggedIn:  # a process is, with all of its sessions
                self._open = token.open(rw=True)
            self._process = os.getpid()
        return self._open


class _TokenKey(ec.EllipticCurvePrivateKey):
    """A private key in a token, as ``cryptography`` takes it for signing."""

    def __init__(self, session: _Session, name: str, public: ec.EllipticCurvePublicKey) -> None:
        self._session, self._name, self._public = session, name, public

    @property
    def curve(self) -> ec.EllipticCurve:
        return _CURVE

    @property
    def key_size(self) -> int:
        return _CURVE.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(
        self,
        data: "bytes | bytearray | memoryview[int]",
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        """Sign with ECDSA; the digest is made here, so that little travels to the token."""
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, utils.Prehashed):
            digest = bytes(data)
        else:
            assert isinstance(algorithm, hashes.HashAlgorithm)
            made = hashes.Hash(algorithm)
            made.update(data)
            digest = made.finalize()
        signature = self._session.do(lambda session: self._in_token(session, digest[:_BYTES]))
        halves = (signature[:_BYTES], signature[_BYTES:])
        return utils.encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))

    def _in_token(self, session: Any, digest: bytes) -> bytes:
        key = _find(session, pkcs11.ObjectClass.PRIVATE_KEY, self._name)
        if key is None:
            raise pkcs11.NoSuchKey
        return bytes(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        self._refuse()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        self._refuse()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,  # noqa: A002 - as cryptography names it
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        self._refuse()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> Self:
        return self

    def _refuse(self) -> NoReturn:
        raise KeyUnusable(f"{self._name} never leaves its token, and only signs")


def _generate(session: Any, name: str) -> None:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
    parameters.generate_keypair(
        id=secrets.token_bytes(8),
        label=name,
        store=True,
        capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        private_template={
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
        },
    )


def _find(session: Any, kind: pkcs11.ObjectClass, name: str) -> Any:
    wanted = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: name}
    found = list(session.get_objects(wanted))
    return found[0] if found else None


def _public_key(found: Any, name: str) -> ec.EllipticCurvePublicKey:
    """Read a public key of the token's (an OCTET STRING of an uncompressed point).

    Raises:
        KeyUnusable: it is not on P-256.
    """
    point = bytes(found[pkcs11.Attribute.EC_POINT])
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point[-(2 * _BYTES + 1) :])
    except ValueError as error:
        raise KeyUnusable(f"{name} is not a P-256 key") from error
