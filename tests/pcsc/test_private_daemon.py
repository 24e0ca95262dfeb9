import shutil

import pytest

from tests.parts.pcscd import PROGRAMS, MissingPart, running_pcscd


def test_two_daemons_run_side_by_side_without_seeing_each_other(private_pcscd, start):
    with running_pcscd() as other:
        assert other.environment["PCSCLITE_CSOCK_NAME"] != str(private_pcscd.socket)
        assert len(start().readers()) == 2


def test_a_daemon_leaves_nothing_behind():
    with running_pcscd() as daemon:
        folder = daemon.folder
        assert daemon.socket.exists()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("missing", "package"),
    [("pcscd", "pcscd"), ("unshare", "util-linux"), ("setpriv", "util-linux")],
)
def test_a_missing_program_is_told_in_a_sentence(tmp_path, missing, package):
    for program in {"pcscd", "unshare", "setpriv"} - {missing}:
        (tmp_path / program).symlink_to(shutil.which(program, path=PROGRAMS))
    wanted = f"sudo apt-get install {package}"
    with pytest.raises(MissingPart, match=wanted), running_pcscd(programs=str(tmp_path)):
        pass


def test_a_missing_driver_is_told_in_a_sentence(tmp_path):
    absent = tmp_path / "absent.so"
    with pytest.raises(MissingPart, match="vsmartcard-vpcd"), running_pcscd(driver=absent):
        pass
