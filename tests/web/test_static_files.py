"""Static files: the browser keeps them, and gets every text compressed."""

import gzip
from collections.abc import Callable

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.static_files import COMPRESSED, FOLDER

OURS = sorted(
    str(file.relative_to(FOLDER))
    for file in FOLDER.rglob("*")
    if file.suffix in COMPRESSED and "vendor" not in file.parts
)


@pytest.mark.parametrize(
    ("encoding", "expand"), [("gzip", gzip.decompress), ("br", brotli.decompress)]
)
@pytest.mark.parametrize("name", OURS)
def test_a_text_of_ours_is_compressed_for_whoever_takes_it_so(
    app: Flask, client: FlaskClient, name: str, encoding: str, expand: Callable[[bytes], bytes]
) -> None:
    plain = (FOLDER / name).read_bytes()
    answer = client.get(f"{app.static_url_path}/{name}", headers={"Accept-Encoding": encoding})
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["Cache-Control"]
    if answer.headers.get("Content-Encoding") == encoding:
        assert expand(answer.data) == plain
        assert len(answer.data) < len(plain)
    else:
        assert len(plain) < 300, "only what does not get smaller may be sent as it is"
        assert answer.data == plain


def test_whoever_takes_nothing_compressed_gets_the_file_itself(
    app: Flask, client: FlaskClient
) -> None:
    answer = client.get(f"{app.static_url_path}/js/app.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (FOLDER / "js/app.js").read_bytes()


def test_a_browser_that_takes_both_gets_the_smaller(app: Flask, client: FlaskClient) -> None:
    answer = client.get(
        f"{app.static_url_path}/js/app.js", headers={"Accept-Encoding": "gzip, deflate, br"}
    )
    assert answer.headers["Content-Encoding"] == "br"
