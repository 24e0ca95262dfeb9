"""The workstation's own key, and what it signs: hellos of connections, receipts of steps."""

import os
import platform
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from reader_bridge import contract, encoding
from reader_bridge.contract import Typ

ALGORITHM: Final = "Ed25519"  # the name of RFC 9864; joserfc wants it allowed by name
FILE = "workstation.pem"


class WorkstationError(Exception):
    """The workstation's key cannot be used. Its text is written for the administrator."""


@dataclass(frozen=True)
class Workstation:
    """This PC as the server knows it: an Ed25519 key pair that stays on it."""

    key: OKPKey
    name: str

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint: the workstation's identity."""
        return self.key.thumbprint()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        return {name: str(self.key.as_dict(private=False)[name]) for name in ("kty", "crv", "x")}

    def sign(self, typ: Typ, claims: dict[str, Any], **header: Any) -> str:
        """A compact JWS over ``claims``, naming its type and this workstation's key."""
        return jws.serialize_compact(
            {"alg": ALGORITHM, "typ": typ.value, "kid": self.thumbprint, **header},
            encoding.canonical(claims),
            self.key,
            algorithms=[ALGORITHM],
        )

    def hello(
        self,
        *,
        sid: str,
        ek: dict[str, Any],
        origin: str,
        instance: str,
        capabilities: Sequence[str],
    ) -> str:
        """What a connection is introduced to the server with; the page carries it there.

        Args:
            sid: the connection, 32 random bytes as base64url.
            ek: the connection's public X25519 key, for what is sealed for it.
            instance: this run of the bridge.
        """
        claims = {
            "version": contract.VERSION,
            "sid": sid,
            "ek": ek,
            "aud": origin,
            "instance": instance,
            "capabilities": list(capabilities),
            "name": self.name,
        }
        return self.sign(Typ.HELLO, claims, jwk=self.jwk)

    def enrolment(self, *, origin: str, nonce: str, code: str) -> str:
        """What an install code is brought to the server with: this key asks to be trusted."""
        claims = {
            "aud": origin,
            "nonce": nonce,
            "code": code,
            "name": self.name,
            "version": contract.VERSION,
        }
        return self.sign(Typ.ENROLMENT, claims, jwk=self.jwk)


def load_or_make(state: Path) -> Workstation:
    """Read the workstation's key from its file, making one on the first run.

    Raises:
        WorkstationError: the file or its folder cannot be used, or others may read it.
    """
    file = state / FILE
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            _write_new_key(file)
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise WorkstationError(f"other users may read {file}; its mode must be 600")
        key = OKPKey.import_key(file.read_bytes())
    except OSError as error:
        raise WorkstationError(f"the workstation's key cannot be kept: {error}") from error
    except (JoseError, ValueError, TypeError) as error:
        raise WorkstationError(f"{file} does not hold a private key") from error
    if not key.is_private or key.as_dict(private=False)["crv"] != ALGORITHM:
        raise WorkstationError(f"{file} does not hold a private Ed25519 key")
    return Workstation(key, platform.node() or "unnamed")


def _write_new_key(file: Path) -> None:
    """Write under another name and link it, so that no other run reads half of a key."""
    draft = file.with_name(f".{FILE}.{secrets.token_hex(8)}")
    pem = OKPKey.generate_key(ALGORITHM).as_pem(private=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
        with suppress(FileExistsError):  # another run was first: its key is the one
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
