"""Checks the Debian packages that the tests need, and installs the missing ones where it may.

Runs with any Python 3.11, before there is a virtual environment: standard library only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What shows that a package is there: a program, or a file.
PACKAGES = {
    "python3-venv": "python3",
    "python3-dev": "python3",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "libpcsclite-dev": "/usr/include/PCSC/winscard.h",
    "pcscd": "pcscd",
    "vsmartcard-vpcd": "/etc/reader.conf.d/vpcd",
    "opensc": "opensc-tool",
    "opensc-pkcs11": "pkcs11-tool",
    "yubico-piv-tool": "yubico-piv-tool",
    "softhsm2": "softhsm2-util",
    "openssl": "openssl",
    "libengine-pkcs11-openssl": "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so",
    "postgresql": "psql",
    "chromium": "chromium",
}
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def missing() -> list[str]:
    """Return the packages that are not installed, as the system's own list of packages says."""
    if not shutil.which("dpkg-query"):
        return [package for package, sign in PACKAGES.items() if not _is_there(sign)]
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    listed = subprocess.run([*command, *PACKAGES], capture_output=True, text=True, check=False)
    installed = {
        line.removesuffix(" installed")
        for line in listed.stdout.splitlines()
        if line.endswith(" installed")
    }
    return [package for package in PACKAGES if package not in installed]


def _is_there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else bool(shutil.which(sign, path=PATH))


def install(packages: list[str]) -> None:
    """Install packages without a question. Needs to be root."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    print(f"Installing {' '.join(packages)} …", flush=True)
    get = ["apt-get", "-qq"]
    install = [*get, "install", "--yes", "--no-install-recommends", *packages]
    for command in ([*get, "update"], install):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout)
            raise SystemExit(f"{' '.join(command[:3])} failed; its words are above.")


def main() -> None:
    packages = missing()
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise SystemExit(f"The tests need what Debian calls: {' '.join(packages)}")
    if os.geteuid() != 0:
        print("The tests need a few Debian packages. Install them, then start again:\n")
        print(f"    sudo apt-get install --no-install-recommends {' '.join(packages)}\n")
        sys.exit(1)
    install(packages)


if __name__ == "__main__":
    main()
