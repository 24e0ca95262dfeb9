"""One file for each operation: how it is begun, how people go on with it, what must be true."""

from tests.faults.scenarios.base import Scenario
from tests.faults.scenarios.changing_passcode import ChangingPasscode
from tests.faults.scenarios.erasing import Erasing
from tests.faults.scenarios.issuing import Issuing
from tests.faults.scenarios.renewing import Renewing
from tests.faults.scenarios.repairing import Repairing, RepairingChanged
from tests.faults.scenarios.unlocking import Unlocking
from tests.faults.scenarios.unlocking_alone import UnlockingAlone

SCENARIOS: dict[str, type[Scenario]] = {
    each.name: each
    for each in (
        Issuing,
        ChangingPasscode,
        Renewing,
        Repairing,
        RepairingChanged,
        Unlocking,
        UnlockingAlone,
        Erasing,
    )
}
