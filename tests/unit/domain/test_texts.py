import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.texts import bounded, clean_text

TRACEBACK = """Traceback (most recent call last):
  File "/var/www/html/openWB/packages/modules/update_soc.py", line 50, in update
    raise KeyError("soc")
KeyError: 'soc'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/var/www/html/openWB/packages/modules/vehicles/x/api.py", line 7, in fetch
    return reply["soc"]
requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='x')"""


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Kein Auto.", "Kein Auto."),
        ("Zeile 1<br />Zeile 2<BR>Zeile 3", "Zeile 1 Zeile 2 Zeile 3"),
        ("<p>Eins</p><p>Zwei</p>", "Eins Zwei"),
        ("Siehe <a href='https://openwb.de' onclick=x()>hier</a>.", "Siehe hier."),
        ("a<script>alert(1)</script>b", "a b"),
        ("a<style>p {}", "a"),
        ("Tom &amp; Anna &lt; 5 &#228;", "Tom & Anna < 5 ä"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;frei", "frei"),
        ("&amp;lt;b&amp;gt;fett", "fett"),
        ("&" + "amp;" * 9 + "lt;b", "&amp;amp;amp;amp;lt;b"),
        ("<scr<b>ipt>x", "< script>x"),
        ("<\u200bb>&#8203;<&#8203;i>x", "x"),
        ("offen <img src=x onerror=y", "offen < img src=x onerror=y"),
        ("3 < 4 > 2", "3 < 4 > 2"),
        ("<!-- nichts -->da", "da"),
        ("  viel \t Luft \r\n ", "viel Luft"),
        ("\x00Ton\x07 \x1b[31mrot", "Ton [31mrot"),
        ("ab\u202ecd\ud800e", "abcde"),
        ("Familie \U0001f468\u200d\U0001f469", "Familie \U0001f468\u200d\U0001f469"),
        ("<class 'requests.exceptions.ConnectTimeout'> Zeit", "ConnectTimeout Zeit"),
        ("<class 'KeyError'> 'soc'", "KeyError 'soc'"),
        (TRACEBACK, "requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='x')"),
        (
            "Modul: " + TRACEBACK.replace("\n", "<br>"),
            "Modul: requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='x')",
        ),
        ("Modul: Traceback (most recent call last): File x in y ValueError: nein", "Modul: ValueError: nein"),
        ("Modul: Traceback (most recent call last): abgeschnitten", "Modul:"),
        ("Modul: Traceback (most recent call last)", "Modul:"),
        ("Traceback (most recent call last):\n  File x\n    cut", ""),
    ],
)
def test_texts_of_a_box(written: str, shown: str) -> None:
    assert clean_text(written, 1000) == shown


MARKUP = st.lists(
    st.one_of(
        st.sampled_from(
            ["<", ">", "&lt;", "&gt;", "&amp;", "lt;", "br", "/", "script", "&#60;", "Traceback (most recent "]
        ),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@given(st.text() | MARKUP, st.integers(1, 50))
def test_no_text_leaves_with_markup_or_unseen_characters(written: str, most_chars: int) -> None:
    shown = clean_text(written, most_chars)
    assert len(shown) <= most_chars
    assert not any(
        left == "<" and right in "/!?abcdefghijklmnopqrstuvwxyz"
        for left, right in zip(shown.lower(), shown.lower()[1:], strict=False)
    )
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    shown.encode()


def test_a_long_text_is_cut() -> None:
    assert bounded("Ladung läuft", 12) == "Ladung läuft"
    assert bounded("Ladung läuft", 8) == "Ladung…"
    assert clean_text("x" * 10_000_000, 10) == "x" * 9 + "…"
