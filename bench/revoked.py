"""A service that has revoked 100,000 certificates, and OpenSSL's responder with the same."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import ocsp

import config as settings
from app import clock, create_app
from app.pki.key_stores import open_file
from app.pki.profiles import PERSONS
from bench.installed import bare_installation
from reader_bridge.contract import HOST
from tests.parts.certificates import many_revoked
from tests.parts.people import a_card, a_person
from tests.parts.ports import free_port
from tools.installation import Installation
from tools.ports import is_free
from tools.processes import Family

COUNT = 100_000
AT_ONCE = 4  # questions of one client
SHA1 = hashes.SHA1()  # noqa: S303 - what most programs send


@dataclass(frozen=True)
class Revoked:
    """An installation that runs, and what it has revoked (serials in hex)."""

    installation: Installation
    serials: Sequence[str]

    @property
    def issuer(self) -> x509.Certificate:
        file = self.installation.keys / "pki" / f"{PERSONS}.pem"
        return x509.load_pem_x509_certificate(file.read_bytes())

    def request(self, serial: str, *, nonce: bytes | None = None) -> bytes:
        """Return a request (DER) about one of them."""
        name = hashes.Hash(SHA1)
        name.update(self.issuer.subject.public_bytes())
        key = x509.SubjectKeyIdentifier.from_public_key(self.issuer.public_key()).digest
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            name.finalize(), key, int(serial, 16), SHA1
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.build().public_bytes(Encoding.DER)


@contextmanager
def revoked_service(count: int = COUNT, workers: int = 1) -> Iterator[Revoked]:
    """Run the service with that many revoked certificates. Nobody has signed in to it."""
    with tempfile.TemporaryDirectory() as folder:
        installation = bare_installation(Path(folder))
        installation = Installation(
            folder=installation.folder,
            port=installation.port,
            bridge_port=installation.bridge_port,
            mail_port=installation.mail_port,
            workers=workers,
        )
        installation.flask("db", "upgrade")
        app = create_app(settings.load(installation.environment | {"LOG_LEVEL": "ERROR"}))
        with app.app_context():
            serials = many_revoked(a_card(a_person()), count, clock.now())
        with Family(installation.logs) as family:
            installation.start_server(family)
            yield Revoked(installation, serials)


@contextmanager
def openssl_responder(revoked: Revoked) -> Iterator[int]:
    """Run OpenSSL's responder with the same key and the same certificates; yield its port."""
    with tempfile.TemporaryDirectory() as kept:
        folder, port = Path(kept), free_port()
        passphrase = (revoked.installation.keys / "ISSUER_PASSPHRASE").read_text()
        pki = revoked.installation.keys / "pki"
        certificate = pki / f"{PERSONS}.pem"
        index, key = folder / "index.txt", folder / "key.pem"
        ends = (clock.system_clock() + timedelta(days=730)).strftime("%y%m%d%H%M%SZ")
        since = clock.system_clock().strftime("%y%m%d%H%M%SZ")
        with index.open("w") as output:
            for serial in revoked.serials:
                number = serial.upper().zfill(len(serial) + len(serial) % 2)
                output.write(f"R\t{ends}\t{since},superseded\t{number}\tunknown\t/CN=x\n")
        opened = _plain(pki / f"{PERSONS}-key.pem", passphrase.encode())
        key.write_bytes(opened)
        command = ["openssl", "ocsp", "-index", index, "-port", str(port), "-nmin", "60"]
        signer = ["-rsigner", certificate, "-rkey", key, "-CA", certificate]
        running = subprocess.Popen(
            [*command, *signer],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield port
        finally:
            running.terminate()
            running.wait(timeout=10)


def _plain(file: Path, passphrase: bytes) -> bytes:
    return open_file(file, passphrase).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def answers_per_second(
    port: int, bodies: Sequence[bytes], *, clients: int, keep_open: bool, seconds: float = 3.0
) -> float:
    """Have ``clients`` processes ask by POST for that long; return how many answers came."""
    with ProcessPoolExecutor(clients) as pool:
        jobs = [
            pool.submit(_ask, port, bodies[number::clients], seconds, keep_open)
            for number in range(clients)
        ]
        return sum(job.result() for job in jobs)


def _ask(port: int, bodies: Sequence[bytes], seconds: float, keep_open: bool) -> float:
    version = "1.1" if keep_open else "1.0"
    head = (
        f"POST /pki/ocsp HTTP/{version}\r\nHost: {HOST}:{port}\r\n"
        "Content-Type: application/ocsp-request\r\nContent-Length: "
    )
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
    asked, open_ones = 0, [_connection(port) for _ in range(AT_ONCE)] if keep_open else []
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        connections = open_ones or [_connection(port) for _ in range(AT_ONCE)]
        for connection in connections:
            connection.sendall(requests[asked % len(requests)])
            asked += 1
        for connection in connections:
            answer = _one_answer(connection) if keep_open else _all_of(connection)
            assert b" 200 " in answer[:20], answer[:200]
            if not keep_open:
                connection.close()
    return asked / passed


def _connection(port: int) -> socket.socket:
    connection = socket.create_connection((HOST, port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _one_answer(connection: socket.socket) -> bytes:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head = received[:end].lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    while len(received) < end + 4 + length:
        received += _more(connection)
    return received


def _all_of(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionError("closed in the middle of an answer")
    return part


def _wait_for(port: int) -> None:
    """Wait until something listens, without a connection: it would take that for a request."""
    for _ in range(400):
        if not is_free(port):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
