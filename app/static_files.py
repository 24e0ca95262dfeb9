"""Static files under an address that holds a hash of their content, so that browsers keep them.

One hash stands for all files and is a folder of the address, so that a module's relative import and
a style sheet's relative image carry it too.
"""

import hashlib
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

FOLDER = Path(__file__).parent / "static"


def digest(folder: Path = FOLDER) -> str:
    """Return a short hash over the names and the content of all files in ``folder``."""
    content = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:16]


def init_app(app: Flask) -> None:
    """Serve the files without troubling Flask; in development, as they are at this moment."""
    changing = bool(app.debug or app.config.get("STATIC_FILES_CHANGE"))
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # as Flask documents it
        app.wsgi_app,
        root=str(FOLDER),
        prefix=app.static_url_path,
        autorefresh=changing,
        max_age=0 if changing else None,
        immutable_file_test=lambda path, url: not changing,
        allow_all_origins=False,
    )
