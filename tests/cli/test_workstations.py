"""`flask workstations`: PCs are named by their thumbprints, whatever these begin with."""

import pytest
from flask import Flask

from app.cli.workstations import workstations
from tests.parts.workstations import a_workstation

REST = "NWN66s0L_4_nEkGWmBfuZMi2p4HsUxtYC5AC96l5"


@pytest.mark.usefixtures("db_session")
@pytest.mark.parametrize("thumbprint", [f"4zf{REST}", f"-sf{REST}", f"--f{REST}", f"-n-{REST}"])
def test_a_pc_is_enrolled_blocked_and_unblocked_by_its_thumbprint(
    app: Flask, thumbprint: str
) -> None:
    a_workstation(thumbprint=thumbprint)
    commands = app.test_cli_runner()
    for arguments, said in (
        (["enrol", thumbprint, "--name", "Ward 4"], "enrolled"),
        (["block", thumbprint, "--reason", "Stolen"], "blocked"),
        (["unblock", thumbprint], "seen"),
    ):
        done = commands.invoke(workstations, arguments)
        assert (done.exit_code, said in done.output) == (0, True), done.output
