"""What every line goes through before it is written, as an ordered list of named steps (after Plausible's
``ingestion/event.ex``): ``drop_…`` says why a line is not kept, ``put_…`` fills or cleans fields.

Pure: what is needed stands in the ``Context``. ``run`` takes the steps in their order and ends at the first reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

from assay.collect.enrich import scrub
from assay.collect.enrich.bots import is_bot
from assay.collect.enrich.browser import HINTS, browser_of
from assay.collect.enrich.country import country_of
from assay.collect.enrich.values import EARLIEST
from assay.collect.planned import HELD, unplanned
from assay.collect.protocols.batches import ADDRESS, AGENT
from assay.collect.wire import Line, Request

if TYPE_CHECKING:
    from assay.plan.values import EventDef

DAY = 86_400_000_000
MOST_SKEW_LEFT = 1_000_000  # µs: less is the way of the request, not a wrong clock
MOST_TEXT = 500  # characters of a title, a tag …; ids are shorter
MARK = "…"
INTERNAL, TEST = "internal", "test"  # environments beside live and staging


@dataclass(frozen=True)
class Context:
    """What steps know. The first part comes from the plan and the key, the second from the request.

    ``trusted``: a secret key of a server, whose user agent and address are not the visitor's. ``hosts`` (of the key),
    else ``domains`` (of the site), are the hosts that may send; with their subdomains, none: all. ``internal``: pairs
    of a field and a glob, ``tests`` the same for events named in ``orders``. ``planned``: the events of a strict plan;
    None: all are taken. ``honoured``: what keeps an event out: gpc, dnt, denied, unknown. ``salt``: of the day;
    empty: no visitors without an id. ``countries``: path of a ``.mmdb``.
    """

    source: str | None = None
    environment: str = "live"
    trusted: bool = False
    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    internal_addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    internal: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, str], ...] = ()
    orders: frozenset[str] = frozenset({"purchase", "refund"})
    planned: Mapping[str, EventDef] | None = None
    blocked: frozenset[str] = scrub.BLOCKED
    scrubs: bool = True
    honoured: frozenset[str] = frozenset({"gpc", "dnt", "denied"})
    consent_default: str | None = None
    countries: str | None = None
    most_props: int = 200
    most_key: int = 100  # characters
    most_value: int = 2_000
    most_url: int = 4_000

    received_at: int = 0
    agent: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    gpc: bool = False
    dnt: bool = False
    salt: bytes = b""

    def of(self, request: Request, salt: bytes = b"") -> Context:
        """The same plan and key for one request."""
        headers = request.headers
        return replace(
            self, received_at=request.received_at, agent=headers.get("user-agent"), address=request.address, salt=salt,
            hints={name: headers[name] for name in HINTS if name in headers},
            gpc=headers.get("sec-gpc") == "1", dnt=headers.get("dnt") == "1",
        )  # fmt: skip


@dataclass(frozen=True)
class Drop:
    """Why a line is not kept, and which step said so."""

    reason: str
    step: str


def put_origin(line: Line, context: Context) -> None:
    """Where it came from."""
    line["received_at"] = context.received_at
    if context.source is not None:
        line["source"], line["environment"] = context.source, context.environment


def drop_without_consent(line: Line, context: Context) -> str | None:
    """A signal of the browser, or the visitor's answer, that the site honours."""
    if line.get("consent") is None and context.consent_default is not None:
        line["consent"] = context.consent_default
    honoured = context.honoured
    if (context.gpc and "gpc" in honoured) or (context.dnt and "dnt" in honoured):
        return "consent"
    said = line.get("consent") or "unknown"
    if said == "unknown" and context.trusted:
        return None  # a server that sends with a secret has decided
    return "consent" if said in honoured else None


def drop_wrong_host(line: Line, context: Context) -> str | None:
    """A page of another site. Screens of apps and events without a page have none."""
    allowed = context.hosts or context.domains
    host = line.get("host")
    if not allowed or not host:
        return None
    url = line.get("url")
    if url and "://" in url[:40] and url[:4].lower() != "http":
        return None
    return None if any(host == one or host.endswith(f".{one}") or one == "*" for one in allowed) else "wrong_host"


def put_apart(line: Line, context: Context) -> None:
    """The team's own visits (by address or by a rule) and test orders: stored, and in no number."""
    if _is_internal(line, context):
        line["environment"] = INTERNAL
    elif context.tests and line.get("name") in context.orders and _matches(line, context.tests):
        line["environment"] = TEST


def _is_internal(line: Line, context: Context) -> bool:
    if context.internal_addresses and (address := _address(line, context)):
        try:
            known = ip_address(address)
        except ValueError:
            known = None
        if known is not None and any(known.version == n.version and known in n for n in context.internal_addresses):
            return True
    return _matches(line, context.internal)


def _matches(line: Line, rules: Sequence[tuple[str, str]]) -> bool:
    for name, glob in rules:
        value = line.get(name) if name in line else (line.get("props") or {}).get(name)
        if value is not None and fnmatchcase(str(value)[:500], glob):
            return True
    return False


def put_hold(line: Line, context: Context) -> None:
    """Under a strict plan what it does not know waits in quarantine, with the reason."""
    if context.planned is not None:
        reason = unplanned(line, context.planned)
        if reason is not None:
            line[HELD] = reason


def put_clock(line: Line, context: Context) -> None:
    """The time by our clock: time + (received − sent). What the sender said stays as the property ``_time``."""
    sent = line.get("sent_at")
    if sent is None:
        return
    skew = context.received_at - sent
    if abs(skew) >= MOST_SKEW_LEFT:
        line["props"] = {**(line.get("props") or {}), "_time": line["time"]}
        line["time"] += skew


def drop_wrong_time(line: Line, context: Context) -> str | None:
    """Before 1990 or after tomorrow, as in imports."""
    return None if EARLIEST <= line["time"] <= context.received_at + DAY else "bad_time"


def put_browser(line: Line, context: Context) -> None:
    """Browser, system and device, where the sender did not say them."""
    agent = _agent(line, context)
    hints = context.hints if AGENT not in line and not context.trusted else {}
    if not agent and not hints:
        return
    found = browser_of(agent or "", hints)
    for name, value in (("browser", found.browser), ("os", found.os), ("device", found.device)):
        if value is not None and line.get(name) is None:
            line[name] = value


def put_bot(line: Line, context: Context) -> None:
    """Flagged, never dropped. Of events that a server tells of, only an agent that it names is looked at."""
    if line.get("bot") is True:
        return
    agent = _agent(line, context)
    if agent == "":
        return
    line["bot"] = is_bot(agent, context.hints if AGENT not in line else {}, line.get("screen"))


def put_country(line: Line, context: Context) -> None:
    """By the address, if the site has a file for it."""
    if context.countries and line.get("country") is None and (address := _address(line, context)):
        found = country_of(address, context.countries)
        if found is not None:
            line["country"] = found


def put_visitor(line: Line, context: Context) -> None:
    """A visitor for a day, for who has no id: a hash of salt, address, user agent and host. The salt is thrown away."""
    if line.get("visitor") is not None or line.get("user") is not None or not context.salt:
        return
    agent, address, host = _agent(line, context), _address(line, context), line.get("host")
    if agent and address and host:
        text = "\0".join((address, agent, host)).encode("utf-8", "replace")
        line["visitor"] = "day-" + blake2b(text, digest_size=12, key=context.salt[:64]).hexdigest()


def put_scrubbed(line: Line, context: Context) -> None:
    """Blocked properties go; e-mail addresses and telephone numbers in what is left are replaced by a mark."""
    props = line.get("props")
    if props and (context.scrubs or context.blocked):
        line["props"] = scrub.scrubbed_props(props, context.blocked, context.scrubs)
    if not context.scrubs:
        return
    for name in ("url", "referrer", "path"):
        if (value := line.get(name)) and ("=" in value or "@" in value or "%" in value or "+" in value):
            line[name] = scrub.scrubbed_url(value)
    for name in ("title", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"):
        if (value := line.get(name)) and ("@" in value or "%" in value or "+" in value):
            line[name] = scrub.scrubbed(value)


def put_limits(line: Line, context: Context) -> None:
    """Long texts end in ``…``; of too many properties the first stay, and ``_cut`` counts the others."""
    for name, value in line.items():
        if type(value) is str and len(value) > MOST_TEXT:
            most = context.most_url if name in ("url", "referrer", "path") else MOST_TEXT
            if len(value) > most:
                line[name] = value[:most] + MARK
    props = line.get("props")
    if props:
        line["props"] = _limited(props, context)


def _limited(props: dict[str, Any], context: Context) -> dict[str, Any]:
    over = len(props) - context.most_props
    made = {}
    for key, value in props.items() if over <= 0 else list(props.items())[: context.most_props]:
        short = key if len(key) <= context.most_key else key[: context.most_key] + MARK
        made[short] = _short(value, context)
    if over > 0:
        made["_cut"] = over
    return made


def _short(value: Any, context: Context) -> Any:
    if type(value) is str:
        return value if len(value) <= context.most_value else value[: context.most_value] + MARK
    if type(value) is dict:
        return _limited(value, context)
    if type(value) is list:
        over = len(value) - context.most_props
        kept = [_short(one, context) for one in value[: context.most_props]]
        return [*kept, f"{MARK}{over}"] if over > 0 else kept
    return value


def _agent(line: Line, context: Context) -> str | None:
    """The visitor's user agent: as the event tells it, else the request's; empty where that is a server's."""
    told: str | None = line.get(AGENT)
    return told if told is not None else "" if context.trusted else context.agent


def _address(line: Line, context: Context) -> str | None:
    told: str | None = line.get(ADDRESS)
    return told if told is not None else "" if context.trusted else context.address


Step = Callable[[Line, Context], str | None]
STEPS: Sequence[Step] = (
    put_origin,
    drop_without_consent,
    drop_wrong_host,
    put_apart,
    put_clock,
    drop_wrong_time,
    put_browser,
    put_bot,
    put_country,
    put_visitor,
    put_scrubbed,
    put_limits,
    put_hold,
)


def run(
    line: Line, context: Context, steps: Sequence[Step] = STEPS, note: Callable[[str, Line], None] | None = None
) -> Drop | None:
    """Take the line through the steps, in place. Address and agent, which are never written, leave it in any case.

    ``note`` is told of each step that has run.
    """
    try:
        for step in steps:
            reason = step(line, context)
            if note is not None:
                note(step.__name__, line)
            if reason is not None:
                return Drop(reason, step.__name__)
    finally:
        line.pop(AGENT, None)
        line.pop(ADDRESS, None)
    return None
