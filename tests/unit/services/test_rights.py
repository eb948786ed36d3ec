"""What a login may see."""

from gateway.domain.access import Login, Role
from gateway.domain.filters import Filter
from gateway.hub.views import view_of
from gateway.services.rights import rights_of

ADMIN = Login(token_id=1, user_id=1, name="admin", role=Role.admin, scopes=("admin",), expires_at=0.0)


def test_an_admin_sees_all_of_each_site() -> None:
    allowed = rights_of(ADMIN, ("home", "yard"))("home")
    assert allowed is not None
    for patterns in (("#",), ("grid/+", "raw/#")):
        wanted = Filter.of((*patterns, "link/#"))
        assert view_of("home", wanted, allowed).chosen == wanted


def test_there_are_no_other_sites() -> None:
    assert rights_of(ADMIN, ("home",))("yard") is None
