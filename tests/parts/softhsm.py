"""A PKCS#11 token in software: SoftHSM, with its objects in a folder of the test's."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

LABEL, PIN, SO_PIN = "care-identity", "48151623", "87654321"
LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An empty token; yields the settings that name it. SoftHSM reads its own once a process."""
    if shutil.which("softhsm2-util") is None:
        pytest.fail("softhsm2-util is missing: sudo apt-get install softhsm2")
    module = next(path for path in LIBRARIES if Path(path).exists())
    folder = tmp_path_factory.mktemp("softhsm")
    settings = folder / "softhsm2.conf"
    (folder / "tokens").mkdir()
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    make = ["softhsm2-util", "--init-token", "--free", "--label", LABEL]
    subprocess.run(
        [*make, "--pin", PIN, "--so-pin", SO_PIN], check=True, capture_output=True, timeout=30
    )
    yield {
        "ISSUER": "pkcs11",
        "PKCS11_MODULE": module,
        "PKCS11_TOKEN": LABEL,
        "PKCS11_PIN": PIN,
    }
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before
