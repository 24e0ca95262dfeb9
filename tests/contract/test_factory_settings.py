"""What the server tries on a new card, held against what the bridge knows of each make."""

import pytest

from app.card_operations.makes import factory_settings
from reader_bridge.piv.profiles import PROFILES, recognise
from reader_bridge.virtual.applet import VirtualCard
from reader_bridge.virtual.behaviour import BEHAVIOURS
from reader_bridge.virtual.state import CardState

every_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


@every_profile
def test_the_server_tries_every_management_key_that_a_make_leaves_the_factory_with(profile):
    tried = {(key.algorithm, key.key) for key in factory_settings(profile.name).keys}
    assert {(key.algorithm, key.key) for key in profile.factory_keys} <= tried


@every_profile
def test_the_server_knows_the_factorys_passcode_and_puk(profile):
    settings = factory_settings(profile.name)
    assert settings.passcode == profile.factory_passcodes[0]
    assert settings.puk == profile.factory_puks[0]


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_virtual_card_leaves_the_factory_as_its_profile_says(name):
    state = CardState.blank(BEHAVIOURS[name])
    profile = recognise(VirtualCard(state).atr)
    held = (state.management_algorithm, state.management_key)
    assert held in {(key.algorithm, key.key) for key in profile.factory_keys}
    assert BEHAVIOURS[name].factory_passcode in profile.factory_passcodes
    assert BEHAVIOURS[name].factory_puk in profile.factory_puks
