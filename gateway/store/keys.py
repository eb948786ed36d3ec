"""The names of a site's keys, in one hash tag; what is under them is said in redis.py."""


def latest(site: str) -> str:
    return f"{{{site}}}:latest"


def changes(site: str) -> str:
    return f"{{{site}}}:changes"


def events(site: str) -> str:
    return f"{{{site}}}:events"


def meta(site: str) -> str:
    return f"{{{site}}}:meta"


def lease(site: str) -> str:
    return f"{{{site}}}:lease"


def samples(site: str) -> str:
    return f"{{{site}}}:samples"


def samples_thinned(site: str) -> str:
    return f"{{{site}}}:samples_thinned"


def requests(site: str) -> str:
    return f"{{{site}}}:requests"


def outcome(site: str, request: str) -> str:
    return f"{{{site}}}:outcome:{request}"


def box_log(site: str) -> str:
    return f"{{{site}}}:box_log"


def tracker(site: str) -> str:
    return f"{{{site}}}:tracker"


def charge_records(site: str) -> str:
    return f"{{{site}}}:charge_records"
