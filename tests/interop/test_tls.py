"""A TLS server that asks for client certificates, and a card that is shown to it.

The client is OpenSSL with OpenSC's PKCS#11 module; the server is OpenSSL with our list.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reader_bridge.contract import Algorithm, Slot
from tests.card_operations.conftest import bridge, counter, holder, office, pki_folder
from tests.interop.relying import (
    RelyingParty,
    cancel,
    current,
    list_of,
    origin,
    read,
    relying_party,
    suspend,
)
from tests.interop.test_issued_cards import OBJECTS, PASSCODE, elsewhere
from tests.interop.test_other_peoples_programs import pkcs11_module
from tests.parts.ports import free_port

__all__ = ["bridge", "counter", "elsewhere", "holder", "office", "origin", "pki_folder"]
__all__ += ["relying_party"]
LET_IN, REFUSED = "hello", "certificate revoked"


@contextmanager
def tls_server(party: RelyingParty, list_url: str) -> Iterator[int]:
    """Whoever comes has to show a certificate of ours that the list does not revoke."""
    tools = party.tools
    (tools.folder / "list.pem").write_text(party.fetch_list(list_url))
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", "server.key")
    own = ("-subj", "/CN=localhost", "-out", "server.pem")
    tools.run("openssl", "req", "-x509", "-nodes", *key, *own)
    ours = b"".join((tools.folder / name).read_bytes() for name in ("root.pem", "chain.pem"))
    (tools.folder / "ours.pem").write_bytes(ours)
    port = free_port()
    command = [
        "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "server.pem", "-key",
        "server.key", "-CAfile", "ours.pem", "-CRL", "list.pem", "-crl_check", "-Verify", "2",
        "-verify_return_error", "-rev",
    ]  # fmt: skip
    log = tools.folder / "server.log"
    with log.open("w") as output:
        running = subprocess.Popen(
            command,
            cwd=tools.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(log, "ACCEPT", running)
            yield port
        finally:
            running.terminate()
            running.wait(timeout=10)


def wait_for(log: Path, word: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if word in log.read_text():
            return
        assert running.poll() is None, log.read_text()
        time.sleep(0.05)
    pytest.fail(log.read_text())


def knock(party: RelyingParty, list_url: str, slot: Slot = Slot.AUTHENTICATION) -> str:
    """Come to the server with a key of the card, say something, and return all that is said."""
    tools, number = party.tools, OBJECTS[slot.value]
    tools.run("pkcs15-tool", "--read-certificate", number, "-o", "mine.pem")
    key = f"pkcs11:id=%{number};type=private;pin-value={PASSCODE}"
    with tls_server(party, list_url) as port:
        said = tools.run(
            "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-cert", "mine.pem",
            "-engine", "pkcs11", "-keyform", "engine", "-key", key, "-quiet", "-ign_eof",
            succeeds=None, says="olleh\nCLOSE\n", PKCS11_MODULE_PATH=pkcs11_module(),
        )  # fmt: skip
    return said + (tools.folder / "server.log").read_text()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_card_is_let_in_and_refused_once_it_is_suspended_or_cancelled(
    counter, holder, origin, elsewhere, relying_party, algorithm
):
    counter.put_in("digits-3des")
    card = counter.issue(holder, passcode=PASSCODE, algorithm=algorithm)
    elsewhere()
    list_url = list_of(read(current(card, Slot.AUTHENTICATION)))
    assert LET_IN in knock(relying_party, list_url)
    suspend(card, counter)
    assert REFUSED in knock(relying_party, list_url)
    cancel(card, counter)
    told = knock(relying_party, list_url)
    assert REFUSED in told
    assert LET_IN not in told


def test_the_signature_certificate_lets_nobody_in(
    counter, holder, origin, elsewhere, relying_party
):
    counter.put_in("digits-3des")
    card = counter.issue(holder, passcode=PASSCODE)
    elsewhere()
    told = knock(relying_party, list_of(read(current(card, Slot.SIGNATURE))), Slot.SIGNATURE)
    assert "unsuitable certificate purpose" in told
    assert LET_IN not in told
