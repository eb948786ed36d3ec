"""Entity tags (RFC 9110 section 8.8.3)."""


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has this already (section 13.1.2: compared weakly, or any with ``*``)."""
    if if_none_match is None:
        return False
    known = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return "*" in known or tag.removeprefix("W/") in known
