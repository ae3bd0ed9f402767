"""What kind of place a host or a source's name is: mail, assistant, shopping, video, social or search.

The lists are data (``query/lists``): Matomo's (CC0) and assay's own. Hosts match by domain suffix, never by substring.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from assay.query.sql import literal

# The order decides where a host lies below hosts of two kinds: mail.google.com is mail, gemini.google.com an assistant.
KINDS = ("mail", "assistant", "shopping", "video", "social", "search")
LISTS = ("matomo.tsv", "own.tsv")
_COUNTRY = r"(?:(?:com?|org|net|edu)\.)?[a-z]{2,3}"


@dataclass(frozen=True)
class Place:
    """One line of a list: its kind, display name, hosts (``{}`` = a country's ending) and the names it has in tags."""

    kind: str
    name: str
    hosts: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@cache
def places() -> tuple[Place, ...]:
    """Every line of the lists."""
    found: list[Place] = []
    for name in LISTS:
        lines = files("assay.query").joinpath("lists", name).read_text(encoding="utf-8").splitlines()
        found += [_place(x.split("\t"), own=name == "own.tsv") for x in lines if x and not x.startswith("#")]
    return tuple(found)


def _place(parts: list[str], own: bool) -> Place:
    kind, name, hosts, *more = parts
    # A rare search engine's name ("Inbox", "Free") is no tag: only common ones, in the own list, go by name.
    aliases = {name.lower(), *(more[0].split(",") if more else ())} if own or kind != "search" else set[str]()
    return Place(kind, name, tuple(hosts.split()), tuple(sorted(aliases)))


def host_in(host: str, domains: Iterable[str]) -> str:
    """True when ``host`` is one of the domains or below it."""
    pattern = r"(?:.*\.)?(?:" + "|".join(_pattern(d) for d in domains) + ")"
    return f"regexp_full_match({host}, {literal(pattern)})"


def _pattern(domain: str) -> str:
    return domain.replace(".", r"\.").replace("{}", _COUNTRY)


def hosts_of(kind: str) -> list[str]:
    """Hosts of a kind, each once."""
    return list(dict.fromkeys(h for p in places() if p.kind == kind for h in p.hosts))


def names_of(kind: str) -> list[str]:
    """Names of a kind as people write them into utm_source, lower case."""
    return sorted({a for p in places() if p.kind == kind for a in p.aliases})


def known_places() -> str:
    """SELECT of what the lists know: ``ending`` of a host, or ``whole`` name, and the rank of its kind as ``place``.

    One text that the database splits: a row of VALUES for each of them takes longer to plan than most loads take to run.
    """
    known: dict[tuple[str, bool], int] = {}
    for rank, kind in enumerate(KINDS):
        for host in hosts_of(kind):
            known.setdefault((host, False), rank)
        for name in names_of(kind):
            known.setdefault((name, True), rank)
    lines = literal("\n".join(f"{rank}{'w' if whole else 'e'}{key}" for (key, whole), rank in known.items()))
    return (
        "SELECT substr(line, 3) AS ending, CAST(substr(line, 1, 1) AS INTEGER) AS place, substr(line, 2, 1) = 'w' AS whole "
        f"FROM (SELECT unnest(string_split({lines}, chr(10))) AS line)"
    )


def kinds_of(texts: str) -> str:
    """SELECT of ``text`` and its ``kind`` for the texts (hosts or names, lower case) that ``texts`` selects and a list knows.

    A join of each text's endings with ``known`` (= ``known_places()``): a pattern of all hosts would cost more per origin
    than everything else.
    """
    whens = " ".join(f"WHEN {rank} THEN {literal(kind)}" for rank, kind in enumerate(KINDS))
    return f"""
SELECT text, CASE min(place) {whens} END AS kind FROM (
    SELECT text, unnest(list_transform(range(1, array_length(labels) + 1), lambda i: array_to_string(labels[i:], '.'))) AS ending FROM (
        SELECT text, unnest([string_split(text, '.'), string_split(regexp_replace(text, '\\.{_COUNTRY}$', '.{{}}'), '.')]) AS labels
        FROM ({texts})
    ) WHERE array_length(labels) < 20
) JOIN known USING (ending) WHERE NOT whole OR ending = text
GROUP BY text"""


def is_place(text: str, *names: str) -> str:
    """True when a host or name (lower case) belongs to one of the places with that display name."""
    chosen = [p for p in places() if p.name in names]
    aliases = ", ".join(literal(a) for a in sorted({a for p in chosen for a in p.aliases}))
    return f"({text} IN ({aliases}) OR {host_in(text, dict.fromkeys(h for p in chosen for h in p.hosts))})"
