from gateway.hub.shares import Shares


def test_a_group_counts_once_for_a_user_however_many_connections() -> None:
    shares = Shares()
    for group in (1, 1, 2):
        shares.add("anna", group)
    shares.add("ben", 1)
    assert (shares.count("anna"), shares.count("ben"), shares.count("carl")) == (2, 1, 0)
    assert shares.has("anna", 1)
    assert not shares.has("ben", 2)
    assert not shares.is_last("anna", 1)
    assert shares.is_last("anna", 2)
    assert not shares.is_last("carl", 1)
    shares.drop("anna", 1)
    assert (shares.count("anna"), shares.is_last("anna", 1)) == (2, True)
    for group in (1, 2):
        shares.drop("anna", group)
    assert (shares.count("anna"), shares.count("ben")) == (0, 1)


def test_who_has_none_left_is_forgotten() -> None:
    shares = Shares()
    shares.add("anna", 1)
    shares.drop("anna", 1)
    assert not shares._groups
