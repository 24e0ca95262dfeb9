"""Answers to OCSP requests (RFC 6960, and 5019 for answers that are prepared).

A key of this process's own signs them, for three days at most: the authority signs a certificate
for it (id-kp-OCSPSigning, ocsp-nocheck), so that a token is not asked for every answer and no
further key is kept anywhere. An answer without nonce is signed once for each state in which a
certificate is, and given again as long as that is its state.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, OCSPExtensionOID

from app.domain.revocation import Standing, Verdict
from app.pki import der
from app.pki.authority import Authority
from app.pki.crl import CODES
from app.pki.making import CLOCK_SKEW, key_identifier_of
from app.pki.ocsp_request import HASHES, Asked, Malformed, OcspRequest, read

LIFE = timedelta(hours=1)  # whoever has an answer may rely on it for so long
PREPARED_FOR = timedelta(minutes=30)  # then it is signed again
SIGNER_LIFE = timedelta(days=3)
MOST_PREPARED = 20_000  # answers of about 800 bytes, in each process

LookUp = Callable[[str, Sequence[str]], Mapping[str, Standing]]


class Status(IntEnum):
    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


@dataclass(frozen=True)
class Answer:
    """An answer (DER). ``may_be_kept``: it is the same for whoever asks, until ``next_update``."""

    status: Status
    content: bytes
    made_at: datetime | None = None
    next_update: datetime | None = None
    may_be_kept: bool = False

    def is_fresh(self, now: datetime) -> bool:
        """Say whether it may be given again."""
        return self.made_at is not None and timedelta(0) <= now - self.made_at < PREPARED_FOR


@dataclass(frozen=True)
class _Prepared:
    """The answer to a request that comes again, as long as its certificate stands so."""

    issuer: str
    serial: str
    standing: Standing
    answer: Answer


@dataclass(frozen=True)
class _Signer:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    identifier: bytes  # ResponderID, by key
    renewed_from: datetime


def refusal(status: Status) -> Answer:
    """An answer without a signature: nothing is said of any certificate."""
    return Answer(status, der.sequence(der.tlv(der.ENUMERATED, bytes((status,)))))


class Responder:
    """Answers for every authority whose key is here."""

    def __init__(self, authorities: Iterable[Authority]) -> None:
        self._signers: dict[str, _Signer] = {}
        self._prepared: OrderedDict[bytes, _Prepared] = OrderedDict()
        self._lock = threading.Lock()
        self._authorities = {
            _issuer_hashes(algorithm, authority.certificate): authority
            for authority in authorities
            for algorithm in HASHES
        }

    def answer(self, body: bytes, look_up: LookUp, *, now: datetime) -> Answer:
        """Answer a request (DER). ``look_up`` says how the serials of one authority stand.

        A request about certificates of several authorities is refused as ``UNAUTHORIZED``: one
        signature cannot answer for both.
        """
        kept = self._prepared.get(body)
        if kept is not None and kept.answer.is_fresh(now):
            found = look_up(kept.issuer, [kept.serial])
            if found[kept.serial] == kept.standing:
                return kept.answer
        try:
            request = read(body)
        except Malformed:
            return refusal(Status.MALFORMED_REQUEST)
        authorities = {self._authorities.get(each.issuer) for each in request.asked}
        authority = authorities.pop()
        if authority is None or authorities:
            return refusal(Status.UNAUTHORIZED)
        found = look_up(authority.name, [each.serial for each in request.asked])
        said = [(each, found[each.serial]) for each in request.asked]
        answer = self._sign(authority, request, said, now)
        if request.plain and _is_asked_again(said):
            self._keep(body, _Prepared(authority.name, said[0][0].serial, said[0][1], answer))
        return answer

    def _keep(self, body: bytes, prepared: _Prepared) -> None:
        with self._lock:
            self._prepared[body] = prepared
            self._prepared.move_to_end(body)
            while len(self._prepared) > MOST_PREPARED:
                self._prepared.popitem(last=False)

    def _sign(
        self,
        authority: Authority,
        request: OcspRequest,
        said: Sequence[tuple[Asked, Standing]],
        now: datetime,
    ) -> Answer:
        now = now.replace(microsecond=0)
        next_update = now + LIFE
        signer = self._signer(authority, now)
        parts = [
            signer.identifier,
            der.generalized(now),
            der.sequence(*(_single(*each, now, next_update) for each in said)),
        ]
        if request.nonce is not None:
            value = der.tlv(der.OCTETS, request.nonce)
            parts.append(der.explicit(1, der.sequence(der.sequence(_NONCE, value))))
        to_sign = der.sequence(*parts)
        basic = der.sequence(
            to_sign,
            der.ECDSA_SHA256,
            der.bits(signer.key.sign(to_sign, ec.ECDSA(hashes.SHA256()))),
            der.explicit(
                0, der.sequence(signer.certificate.public_bytes(serialization.Encoding.DER))
            ),
        )
        content = der.sequence(
            der.tlv(der.ENUMERATED, bytes((Status.SUCCESSFUL,))),
            der.explicit(0, der.sequence(_BASIC, der.tlv(der.OCTETS, basic))),
        )
        return Answer(Status.SUCCESSFUL, content, now, next_update, request.nonce is None)

    def _signer(self, authority: Authority, now: datetime) -> _Signer:
        """This process's signer for an authority: another one when half of its life is over."""
        signer = self._signers.get(authority.name)
        if signer is None or not _is_fresh(signer, now):
            with self._lock:
                signer = self._signers[authority.name] = _new_signer(authority, now)
        return signer


def _is_asked_again(said: Sequence[tuple[Asked, Standing]]) -> bool:
    """Say whether an answer is worth keeping: strangers' numbers and mixtures are endless."""
    return len(said) == 1 and said[0][1].verdict is not Verdict.UNKNOWN


def _is_fresh(signer: _Signer, now: datetime) -> bool:
    """Say whether a signer is good for an answer that is made now."""
    return timedelta(0) <= now - signer.renewed_from < SIGNER_LIFE / 2


def _new_signer(authority: Authority, now: datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    name = str(issuer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    usage = dict.fromkeys(_USAGES, False) | {"digital_signature": True}
    ends = min(now + SIGNER_LIFE, issuer.not_valid_after_utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} OCSP")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - CLOCK_SKEW).replace(microsecond=0))
        .not_valid_after(ends.replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(key_identifier_of(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    by_key = der.tlv(
        der.OCTETS, hashlib.sha1(_key_bits(certificate), usedforsecurity=False).digest()
    )
    return _Signer(key, certificate, der.explicit(2, by_key), now)


def _single(asked: Asked, standing: Standing, now: datetime, next_update: datetime) -> bytes:
    return der.sequence(
        asked.echo,
        _verdict(standing),
        der.generalized(now),
        der.explicit(0, der.generalized(next_update)),
    )


def _verdict(standing: Standing) -> bytes:
    if standing.verdict is Verdict.GOOD:
        return b"\x80\x00"
    if standing.verdict is Verdict.UNKNOWN:
        return b"\x82\x00"
    assert standing.since is not None
    parts = [der.generalized(standing.since)]
    code = CODES[standing.reason] if standing.reason else None
    if code is not None:
        parts.append(der.explicit(0, der.tlv(der.ENUMERATED, bytes((code,)))))
    return der.explicit(1, *parts)


def _issuer_hashes(algorithm: str, issuer: x509.Certificate) -> tuple[str, bytes, bytes]:
    """Return how a CertID names an issuer (RFC 6960, 4.1.1)."""

    def digest(content: bytes) -> bytes:
        return hashlib.new(HASHES[algorithm], content, usedforsecurity=False).digest()

    return algorithm, digest(issuer.subject.public_bytes()), digest(_key_bits(issuer))


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The public key without its algorithm, as hashes of keys are made of it."""
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


_NONCE = der.oid(OCSPExtensionOID.NONCE)
_BASIC = der.oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1"))
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
