"""What the tests need of the system, as the system's own list of packages says."""

import stat
from pathlib import Path

import pytest

from tools import packages


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose list of packages is what the test writes, and whose user is not root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    program(tmp_path, "apt-get", "exit 99")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def installed(folder: Path, *names: str) -> None:
    lines = "\n".join(f"echo '{name} installed'" for name in names)
    program(folder, "dpkg-query", f"{lines}\necho 'gcc config-files'\nexit 1")


def test_nothing_is_said_where_nothing_is_missing(system: Path) -> None:
    installed(system, *packages.PACKAGES)
    assert packages.missing() == []
    packages.main()


def test_a_removed_package_whose_settings_remain_is_missing(system: Path) -> None:
    installed(system, *(set(packages.PACKAGES) - {"gcc"}))
    assert packages.missing() == ["gcc"]


def test_whoever_is_not_root_gets_one_line_to_copy(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(system, *(set(packages.PACKAGES) - {"pcscd", "openssl"}))
    with pytest.raises(SystemExit) as end:
        packages.main()
    assert end.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "sudo" in line] == [
        "    sudo apt-get install --no-install-recommends pcscd openssl"
    ]


def test_a_system_without_such_packages_is_told_what_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(packages, "PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="gcc"):
        packages.main()
