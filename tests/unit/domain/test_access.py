"""Names and passwords in their one form."""

import pytest

from gateway.domain.access import Role, check_device, check_new_password, normal_name, normal_password, scopes_of
from gateway.domain.errors import InvalidArgument


@pytest.mark.parametrize("typed", ["Anna", " anna ", "ANNA", "\uff21\uff2e\uff2e\uff21"])
def test_a_name_has_one_form(typed: str) -> None:
    assert normal_name(typed) == "anna"


def test_different_letters_stay_different() -> None:
    assert normal_name("zoë") != normal_name("zoe")


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert normal_password("pa\u0308ssword") == normal_password("p\u00e4ssword")
    assert normal_password(" Spaces Count ") == " Spaces Count "


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257, "a\u0308" * 7])
def test_passwords_too_short_or_too_long_are_refused(password: str) -> None:
    with pytest.raises(InvalidArgument, match="8 to 256"):
        check_new_password(password)


@pytest.mark.parametrize("password", ["12345678", "x" * 256, "🔌" * 8])
def test_passwords_in_between_are_taken(password: str) -> None:
    assert check_new_password(password) == password


def test_an_admin_may_do_what_admins_may() -> None:
    assert scopes_of(Role.admin) == ("admin",)


@pytest.mark.parametrize("device", ["a\x00", "a\nb", "\x1b[2J", "a\x85", "a\u2028b"])
def test_a_device_that_could_steer_a_terminal_is_refused(device: str) -> None:
    with pytest.raises(InvalidArgument, match="device: control characters and line breaks are not allowed, got '"):
        check_device(device)


@pytest.mark.parametrize("device", [None, "phone-3f9a", "Zoës Telefon 👩‍🚀"])
def test_other_names_of_devices_are_taken(device: str | None) -> None:
    check_device(device)
