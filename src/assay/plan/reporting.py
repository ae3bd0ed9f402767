"""The plan's report as frozen values: whose it is, and to whom it goes when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Mail:
    """The mail server. ``tls``: starttls, tls or none. ``user`` and ``password`` say where they stand: env:NAME."""

    host: str
    sender: str
    port: int = 587
    tls: str = "starttls"
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Hook:
    """An address that is told. ``kind``: slack or webhook; ``url`` says where the address stands: env:NAME."""

    name: str
    kind: str
    url: str


@dataclass(frozen=True)
class Schedule:
    """``day``: a weekday's number, ``day`` every day, ``month`` the first of a month; ``minute`` of the site's day."""

    every: str
    day: int | str
    minute: int
    to: tuple[str, ...]
    format: str = "pdf"


@dataclass(frozen=True)
class Reporting:
    """``client``: for whom; ``link``: the address below which reports can be fetched."""

    title: str = ""
    client: str = ""
    logo: str | None = None
    link: str | None = None
    mail: Mail | None = None
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
