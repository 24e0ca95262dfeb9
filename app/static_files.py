"""Static files under an address that holds a hash of their content, so that browsers keep them.

One hash stands for all files and is a folder of the address, so that a module's relative import and
a style sheet's relative image carry it too.
"""

import gzip
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

import brotli
from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.responders import StaticFile

FOLDER = Path(__file__).parent / "static"
COMPRESSED = {".css", ".js", ".svg"}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": lambda content: gzip.compress(content, mtime=0),
}


def digest(folder: Path = FOLDER) -> str:
    """Return a short hash over the names and the content of all files in ``folder``."""
    content = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:16]


class Files(WhiteNoise):  # type: ignore[misc]  # WhiteNoise has no type hints
    """WhiteNoise, with compressed copies of each text file that has none beside it.

    The copies are named by their content, so that none is ever out of date.
    """

    def __init__(self, *arguments: Any, copies: Path, **options: Any) -> None:
        self._copies = copies
        super().__init__(*arguments, **options)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        has_copy = stat_cache is None or f"{path}.br" in stat_cache
        if has_copy or Path(path).suffix not in COMPRESSED:
            return super().get_static_file(path, url, stat_cache=stat_cache)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        return StaticFile(path, headers.items(), encodings=compressed(Path(path), self._copies))


def compressed(file: Path, folder: Path) -> dict[str, str]:
    """Return the compressed copies of ``file`` in ``folder``, by their encoding.

    A copy that is not there yet is made.
    """
    content = file.read_bytes()
    name = hashlib.sha256(content).hexdigest()[:32]
    copies = {}
    for encoding, compress in ENCODINGS.items():
        copy = folder / f"{name}.{encoding}"
        if not copy.exists():
            folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "wb") as output:
                output.write(compress(content))
            Path(draft).replace(copy)  # whoever starts beside us sees all of it or nothing
        copies[encoding] = str(copy)
    return copies


def init_app(app: Flask) -> None:
    """Serve the files without troubling Flask; in development, as they are at this moment."""
    changing = bool(app.debug or app.config.get("STATIC_FILES_CHANGE"))
    app.wsgi_app = Files(  # type: ignore[method-assign]  # as Flask documents it
        app.wsgi_app,
        root=str(FOLDER),
        prefix=app.static_url_path,
        autorefresh=changing,
        max_age=0 if changing else None,
        immutable_file_test=lambda path, url: not changing,
        allow_all_origins=False,
        copies=Path(app.instance_path) / "compressed",
    )
