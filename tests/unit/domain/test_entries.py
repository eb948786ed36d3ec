from gateway.domain.entries import Access, Entry, Field, Freshness, Kind


def test_what_is_not_said_of_an_entry() -> None:
    entry = Entry(pattern="a", kind=Kind.boolean, freshness=Freshness.site, text_en="a", text_de="a")
    assert entry.access is Access.site
    assert not entry.recorded
    assert (entry.unit, entry.sign, entry.minimum, entry.maximum) == (None, None, None, None)
    assert (entry.allowed, entry.fields) == ((), ())
    assert Field(name="a", kind=Kind.text).maximum is None
