"""Where people come from and with which machine: what all worlds of the demo share."""

from __future__ import annotations

from dataclasses import dataclass

DEVICES = ("desktop", "mobile", "tablet")


@dataclass(frozen=True)
class Entry:
    """Where a session comes from, as raw fields of the line. ``click`` is the name of the click id."""

    channel: int
    weight: float
    referrer: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    click: str | None = None
    cpc: int = 0  # mean cost of a click, cents


@dataclass(frozen=True)
class Profile:
    """A visitor's machine."""

    device: int
    weight: float
    browser: str
    os: str
    screen: str


PROFILES: tuple[Profile, ...] = (
    Profile(0, 0.42, "Chrome", "Windows", "1920x1080"),
    Profile(0, 0.14, "Chrome", "macOS", "1728x1117"),
    Profile(0, 0.16, "Safari", "macOS", "1440x900"),
    Profile(0, 0.12, "Firefox", "Windows", "1920x1080"),
    Profile(0, 0.12, "Edge", "Windows", "1536x864"),
    Profile(0, 0.04, "Firefox", "Linux", "2560x1440"),
    Profile(1, 0.47, "Safari", "iOS", "390x844"),
    Profile(1, 0.41, "Chrome", "Android", "412x915"),
    Profile(1, 0.09, "Samsung Internet", "Android", "384x854"),
    Profile(1, 0.03, "Firefox", "Android", "412x892"),
    Profile(2, 0.65, "Safari", "iPadOS", "820x1180"),
    Profile(2, 0.35, "Chrome", "Android", "800x1280"),
    Profile(0, 0.0, "Chrome", "Linux", "800x600"),
)
BOT_PROFILE = len(PROFILES) - 1

COUNTRIES: tuple[tuple[str, str, float], ...] = (
    ("DE", "de", 0.66),
    ("AT", "de", 0.10),
    ("CH", "de", 0.06),
    ("NL", "nl", 0.06),
    ("FR", "fr", 0.05),
    ("GB", "en", 0.04),
    ("US", "en", 0.03),
)

WEEKDAYS = (1.05, 1.03, 1.00, 0.98, 0.95, 0.92, 1.12)  # Monday first
HOURS = (8, 5, 3, 2, 2, 4, 10, 20, 30, 36, 40, 44, 48, 44, 40, 40, 42, 46, 54, 62, 68, 60, 40, 20)
DAYTIME = tuple(0 if hour < 6 or hour > 22 else weight for hour, weight in enumerate(HOURS))  # nobody comes at night
