"""Texts of a box, made fit for a page: German prose that may hold HTML, entities and Python tracebacks.

Rules, in this order:

* Control characters but line breaks become a space; format and surrogate characters go.
* ``<class 'a.B'>``, as Python shows a type, becomes ``B``.
* What breaks a line in HTML becomes a line break; script and style go with their content, other tags without it.
* Entities are decoded, and what tags and characters appear by that go too.
* A traceback becomes its last line, the exception.
* White space becomes one space; a ``<`` that could still open a tag gets one; the length is bounded.
"""

import html
import re
import unicodedata

ELLIPSIS = "…"
_MOST_DECODINGS = 5

_PYTHON_CLASS = re.compile(r"<class '(?:[\w.]{0,200}\.)?(\w{1,100})'>")
_INVISIBLE_ELEMENT = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_LINE_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_TAG_OPENING = re.compile(r"<(?=[a-zA-Z/!?])")
_TRACEBACK = "Traceback (most recent call last)"
_EXCEPTION = re.compile(r"\b[A-Za-z_][\w.]{0,200}?(?:Error|Exception|Exit|Interrupt|Timeout|Warning)\b.*\Z")
_KEPT_FORMAT_CHARACTERS = "\u200c\u200d"  # they join letters and emoji


def clean_text(text: str, most_chars: int) -> str:
    """The text without markup and tracebacks, on one line of at most ``most_chars`` characters."""
    # what lies beyond cannot show any more, and the expressions stay cheap
    text = _without_markup(_visible(text[: most_chars * 20]))
    line = " ".join(_without_traceback(text).split())
    return bounded(_TAG_OPENING.sub("< ", line), most_chars)


def bounded(text: str, most_chars: int) -> str:
    """The text, cut with an ellipsis when it is longer."""
    return text if len(text) <= most_chars else text[: most_chars - 1].rstrip() + ELLIPSIS


def _without_markup(text: str) -> str:
    text = _without_tags(_PYTHON_CLASS.sub(r"\1", text))
    for _ in range(_MOST_DECODINGS):
        decoded = _visible(html.unescape(text))
        if decoded == text:
            break
        text = _without_tags(decoded)
    return text


def _without_tags(text: str) -> str:
    text = _INVISIBLE_ELEMENT.sub(" ", text)
    return _TAG.sub("", _LINE_BREAK.sub("\n", text))


def _without_traceback(text: str) -> str:
    before, found, trace = text.partition(_TRACEBACK)
    if not found:
        return text
    lines = [line for line in trace.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if len(lines) <= 1 or last != last.lstrip():
        # squeezed into one line, or cut off: what looks like an exception, or nothing
        exception = _EXCEPTION.search(last)
        last = exception.group() if exception else ""
    return f"{before.rstrip()} {last}"


def _visible(text: str) -> str:
    """Without control characters but line breaks, and without format and surrogate characters."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    match unicodedata.category(character):
        case "Cc":
            return "\n" if character in "\r\n" else " "
        case "Cs":
            return ""
        case "Cf":
            return character if character in _KEPT_FORMAT_CHARACTERS else ""
        case _:
            return character
