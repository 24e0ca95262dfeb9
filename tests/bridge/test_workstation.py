"""The workstation's key: where it lives, who may read it, and what it signs."""

import json
import threading
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from reader_bridge.workstation import FILE, WorkstationError, load_or_make
from tests.parts.bridge import ORIGIN
from tests.parts.statements import workstation_of


def test_a_key_is_made_once_and_stays(tmp_path: Path):
    state = tmp_path / "state"
    first = load_or_make(state)
    assert load_or_make(state).thumbprint == first.thumbprint
    assert [file.name for file in state.iterdir()] == [FILE]


def test_nobody_else_may_read_the_key(tmp_path: Path):
    load_or_make(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path):
    load_or_make(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(WorkstationError, match="600"):
        load_or_make(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk",
        OKPKey.generate_key("Ed25519").as_pem(private=False),
        OKPKey.generate_key("X25519").as_pem(private=True),
    ],
)
def test_a_file_without_the_right_kind_of_key_is_named(tmp_path: Path, content):
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(WorkstationError, match="does not hold"):
        load_or_make(tmp_path)


def test_two_bridges_that_start_together_have_one_key(tmp_path: Path):
    found: list[str] = []
    starts = threading.Barrier(8)

    def start() -> None:
        starts.wait()
        found.append(load_or_make(tmp_path).thumbprint)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {load_or_make(tmp_path).thumbprint}


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkstationError, match="cannot be kept"):
        load_or_make(tmp_path / "file" / "state")


def test_the_hello_is_signed_by_the_key_that_it_names(page):
    head = jws.extract_compact(page.hello.encode()).headers()
    key = workstation_of(page.hello)
    assert head["typ"] == "rb-hello"
    assert head["alg"] == "Ed25519"
    assert head["kid"] == key.thumbprint()
    assert "d" not in head["jwk"]
    claims = json.loads(jws.deserialize_compact(page.hello, key, algorithms=["Ed25519"]).payload)
    assert claims["aud"] == ORIGIN
    assert claims["version"] == "1"
    assert claims["ek"]["crv"] == "X25519"
    assert "d" not in claims["ek"]
    assert claims["capabilities"] == ["virtual", "desk"]
