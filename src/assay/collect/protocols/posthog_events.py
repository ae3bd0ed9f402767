"""One event of PostHog → its line.

Who it is: posthog-js brings the device beside the distinct id. Servers bring the distinct id alone: a UUID of version 7
is one that posthog-js made up for a device, anything else is a person, unless the event says that it makes no person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from assay.collect import ecommerce
from assay.collect.enrich import values
from assay.collect.enrich.pages import TAGS, put_page
from assay.collect.enrich.values import Refused
from assay.collect.protocols.batches import ADDRESS, AGENT, NO_BROWSER, finished, put_texts, screen_of
from assay.collect.wire import Line

_NAMES = {
    "$pageview": "page_view", "$screen": "screen_view", "$identify": "identify", "$create_alias": "alias",
    "$merge_dangerously": "alias", "$groupidentify": "group", "$pageleave": "page_leave", "$web_vitals": "web_vitals",
}  # fmt: skip
# What a client sends by itself, or about a person: no action of a visitor.
_PASSIVE = frozenset(
    "$set $opt_in $performance_event $exception $$heatmap $heatmap $ai_generation $ai_trace $ai_span $ai_embedding "
    "$$client_ingestion_warning $feature_enrollment_update".split()
)
_NOT_COLLECTED = frozenset({"$snapshot", "$performance_event", "$$heatmap"})
_TEXTS = (
    ("title", "$title"), ("title", "$screen_name"), ("referrer", "$referrer"), ("browser", "$browser"), ("os", "$os"),
    ("country", "$geoip_country_code"), ("language", "$browser_language"), ("host", "$host"), ("path", "$pathname"),
)  # fmt: skip
_TEXTS_OF_SERVER = tuple(pair for pair in _TEXTS if pair[0] != "os")  # it is the server's own
# Properties that are fields of the line now, or say nothing that another tool could use.
_TAKEN = (
    "token distinct_id $current_url $title $referrer $browser $os $geoip_country_code $browser_language $host "
    "$pathname $device_id $user_id $anon_distinct_id $session_id $screen_width $screen_height $device_type $ip "
    "$raw_user_agent $user_agent $insert_id $time $sent_at $window_id $lib_rate_limit_remaining_tokens $groups "
    "$is_identified $process_person_profile $geoip_disable"
).split()
_DEVICES = {"desktop": "desktop", "mobile": "mobile", "tablet": "tablet"}
_MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def keys(events: Any) -> tuple[Any, ...]:
    """Where the key may stand in the first event."""
    if type(events) is not list or not events or type(events[0]) is not dict:
        return ()
    first = events[0]
    inside = values.soft(first.get("properties"))
    return first.get("api_key"), first.get("token"), first.get("$token"), inside.get("token"), inside.get("api_key")


def line_of(event: dict[str, Any], received_at: int, library: str | None = None) -> Line:
    """One event; ``library``: of the endpoint that says it in a header and has options beside the properties."""
    get = event.get
    name = values.name(get("event"))
    if name in _NOT_COLLECTED:
        raise Refused("not_collected", f"{name} is not collected")
    # posthog-js names every tag that there might be, most of them null.
    props = {key: one for key, one in values.record(get("properties"), "properties").items() if one is not None}
    newest = library is not None
    options = values.soft(get("options")) if newest else {}
    library = library or values.soft_text(props.get("$lib"))
    server = _of_server(props, library)
    line: Line = {"name": _NAMES.get(name) or ecommerce.standard_name(name)}
    if name in _PASSIVE:
        line["interactive"] = False
    given = values.ident(get("uuid") or props.get("$insert_id"), "uuid")
    if given is not None:
        line["id"] = given
    _put_time(line, event, props, options, received_at)
    session = values.ident(get("session_id") or props.get("$session_id"), "$session_id")
    if session is not None:
        line["session"] = session
    _put_who(line, name, event, {**props, "$lib": library}, options)
    _put_page(line, props, server)
    _put_account(line, name, props)
    for key in ("$set", "$set_once"):
        if key in event and key not in props:
            props[key] = event[key]
        if type(about := props.get(key)) is dict:
            props[key] = {name: one for name, one in about.items() if one is not None}
        if props.get(key) in ({}, None):
            props.pop(key, None)
    agent = values.soft_text(props.get("$raw_user_agent")) or values.soft_text(props.get("$user_agent"))
    address = values.soft_text(props.get("$ip"))
    if server:
        line[AGENT], line[ADDRESS] = agent or NO_BROWSER, address or NO_BROWSER
    elif agent is not None:
        line[AGENT] = agent
    for key in (*_TAKEN, *[key for key in props if key.startswith("$sdk_debug_")]):
        props.pop(key, None)
    return finished(line, props, products=True)


def _put_time(line: Line, event: dict[str, Any], props: dict[str, Any], options: dict[str, Any], now: int) -> None:
    """``timestamp``; or ``offset``, ms before it was received. A sender that says so is not corrected."""
    moment = values.instant(event.get("timestamp") or props.get("$time"), "timestamp")
    offset = event.get("offset")
    if moment is None and isinstance(offset, int | float) and 0 <= offset < 1e12:
        moment = now - int(offset * 1000)
        line["sent_at"] = None
    if moment is not None:
        line["time"] = moment
    if options.get("disable_skew_correction") is True or props.pop("$ignore_sent_at", None) is True:
        line["sent_at"] = None


def _put_who(line: Line, name: str, event: dict[str, Any], props: dict[str, Any], options: dict[str, Any]) -> None:
    given = event.get("distinct_id")
    distinct = values.ident(props.get("distinct_id") if given is None else given, "distinct_id")
    device = values.ident(props.get("$device_id"), "$device_id")
    user = values.ident(props.get("$user_id"), "$user_id")
    profile = options.get("process_person_profile", props.get("$process_person_profile"))
    if name == "$identify":
        user = distinct
        device = device or values.ident(props.get("$anon_distinct_id"), "$anon_distinct_id")
    elif name in ("$create_alias", "$merge_dangerously"):
        user, device = distinct, values.ident(props.get("alias"), "alias")
        if props.get("$lib") == "posthog-python" or (user and _MADE_UP.fullmatch(user)):
            user, device = device, user  # its alias() says it the other way round
    elif name == "$groupidentify":
        device = None
    elif user is None and distinct is not None and distinct != device:
        known = props.get("$is_identified")
        if known is True or (known is None and profile is not False and device is None and _person(distinct, props)):
            user = distinct
        elif device is None:
            device = distinct
    if device is not None:
        line["visitor"] = device
    if user is not None:
        line["user"] = user


def _person(distinct: str, props: dict[str, Any]) -> bool:
    return _of_server(props, props["$lib"]) and not _MADE_UP.fullmatch(distinct)


def _put_page(line: Line, props: dict[str, Any], server: bool) -> None:
    """The page, the campaign of its address, the screen.

    posthog-js keeps campaign tags as properties of all later events, so where there is an address only that counts.
    """
    url = values.soft_text(props.get("$current_url"))
    if url is not None:
        put_page(line, url)
    else:
        put_texts(line, props, [(tag, tag) for tag in TAGS])
        for tag in TAGS:
            if tag in line:
                del props[tag]
    if line["name"] == "page_view":
        put_texts(line, props, (("title", "title"),))
        if "title" in line:
            props.pop("title", None)
    put_texts(line, props, _TEXTS if not server or "$browser" in props else _TEXTS_OF_SERVER)
    if line.get("referrer") == "$direct":
        del line["referrer"]
    size = screen_of(props.get("$screen_width"), props.get("$screen_height"))
    if size is not None:
        line["screen"] = size
    device = props.get("$device_type")
    if type(device) is str:
        line["device"] = _DEVICES.get(device.lower(), "other")


def _put_account(line: Line, name: str, props: dict[str, Any]) -> None:
    """The group that is the company; else the first there is."""
    if name == "$groupidentify":
        account = values.ident(props.pop("$group_key", None), "$group_key")
        traits = values.soft(props.pop("$group_set", None))
        props.update({key: value for key, value in traits.items() if key not in props})
    else:
        groups = values.soft(props.get("$groups"))
        kinds: Sequence[str] = ("company", "account", "organization", "customer", *groups)
        account = next((found for kind in kinds if (found := values.ident(groups.get(kind), "$groups"))), None)
    if account is not None:
        line["account"] = account


def _of_server(props: dict[str, Any], library: str | None) -> bool:
    """Whether a server tells of it, so that the request's user agent says nothing about the visitor."""
    if props.get("$is_server") is True:
        return True
    if library is None:
        return "$current_url" not in props and "$device_id" not in props
    return library not in ("web", "js", "posthog-js")
