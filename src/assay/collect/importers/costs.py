"""Ad costs by day, channel and campaign: Google Ads, Meta, LinkedIn and plain tables, told by their column names.

One row of the result per day, source, medium, channel, campaign and currency; rows below that (ad groups, networks) add
up. That key is the row's id: when a corrected file brings the same key again, the later import replaces the earlier.
Total lines are left out and counted; title lines above the header are passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.collect.importers.base import Options
from assay.collect.importers.expressions import Columns, text_of
from assay.collect.importers.files import File, csv_layout, inspect, unique
from assay.collect.importers.flow import Importer, Job, Prepared, staged
from assay.collect.importers.work import literal
from assay.model.errors import DataError, UsageError, suggestion

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

FIELDS = "day end source medium channel campaign amount currency impressions clicks conversions value".split()

# Column names, in lower case and without a currency in brackets; the first that a file has wins.
NAMES: Mapping[str, tuple[str, ...]] = {
    "day": ("day", "date", "reporting starts", "start date (in utc)", "start date", "date start", "date_start",
            "segments.date", "datum", "tag", "berichtsbeginn", "berichtsstart"),
    "end": ("reporting ends", "end date (in utc)", "end date", "date stop", "date_stop", "berichtsende"),
    "source": ("source", "utm_source", "quelle", "platform"),
    "medium": ("medium", "utm_medium"),
    "channel": ("channel", "channel group", "kanal"),
    "campaign": ("campaign", "campaign name", "campaign_name", "campaign.name", "utm_campaign", "kampagne",
                 "kampagnenname", "name der kampagne"),
    "amount": ("cost", "costs", "spend", "amount spent", "total spent", "ad spend", "amount", "amount_spent", "kosten",
               "ausgaben", "ausgegebener betrag", "cost_micros", "metrics.cost_micros"),
    "currency": ("currency", "currency code", "currency_code", "account currency", "customer.currency_code", "währung",
                 "währungscode"),
    "impressions": ("impressions", "impr.", "impr", "metrics.impressions", "impressionen"),
    "clicks": ("link clicks", "clicks", "clicks (all)", "metrics.clicks", "klicks", "link-klicks"),
    "conversions": ("conversions", "conv.", "metrics.conversions", "purchases", "results", "total conversions"),
    "value": ("conv. value", "conversion value", "conversions value", "purchases conversion value",
              "metrics.conversions_value", "total conversion value"),
}  # fmt: skip
_GOOGLE_CHANNELS = (
    ("search", "Paid Search"), ("shopping", "Paid Shopping"), ("video", "Paid Video"), ("display", "Display"),
    ("performance max", "Cross-network"), ("demand gen", "Cross-network"), ("discovery", "Cross-network"),
)  # fmt: skip
_LOOKED_AT = 40


class CostsOptions(Options):
    """Options of ``costs``."""

    source: str | None = Field(
        None, min_length=1, description="Source of rows that name none; default: the ad network."
    )
    medium: str | None = Field(None, description="Medium of rows that name none; default: cpc, or paid_social.")
    channel: str | None = Field(None, description="Channel of rows that name none; default: that of the ad network.")
    campaign: str | None = Field(None, description="Campaign of rows that name none.")
    currency: str | None = Field(
        None, pattern="^[A-Za-z]{3}$", description="Currency of rows that name none; default: the site's currency."
    )
    map: dict[str, str] = Field(default_factory=dict, description="FIELD=COLUMN for columns with unusual names.")
    day_format: str | None = Field(None, description="Format of days, as %d/%m/%Y; default: found out.")
    decimal: Literal["auto", "point", "comma"] = Field("auto", description="Decimal sign of amounts.")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Delimiter of CSV; default: found out.")
    encoding: str | None = Field(None, description="Encoding; default: UTF-8, or UTF-16 by its mark.")


@dataclass(frozen=True)
class Network:
    """What an ad network's export does not say itself."""

    source: str | None = None
    medium: str | None = None
    channel: str | None = None
    summary_rows: bool = False
    month_first: bool = False


PLAIN = Network()
GOOGLE = Network("google", "cpc", "Paid Search")
META = Network("facebook", "paid_social", "Paid Social", summary_rows=True)
LINKEDIN = Network("linkedin", "paid_social", "Paid Social", month_first=True)


class Costs(Importer):
    """Ad costs."""

    name = "costs"
    summary = "Ad costs by day and campaign: Google Ads, Meta, LinkedIn or a plain table"
    Options = CostsOptions
    kind = "costs"
    write = ("costs", "write")

    def look(self, path: Path, options: Any) -> File:
        """The file, its header found below any title lines."""
        for field in options.map:
            if field not in FIELDS:
                raise UsageError(f"costs have no field {field!r}{suggestion(field, FIELDS)}")
        file = inspect(path, options.encoding, options.delimiter)
        return header_of(file, options) if file.kind == "csv" else file

    def prepare(self, job: Job, careful: bool) -> Prepared:
        """Rows → costs."""
        work = job.work
        types, total, exact = staged(job, careful)
        found = recognise(types, job.options)
        _check(job.file.name, found, types)
        network = network_of(types)
        work.run("costs", "macros")
        work.view("texts", _texts(job, types, found, network))
        comma, day_first, month_first = work.run("costs", "evidence")[0]
        slash = "day" if day_first else "month" if month_first or network.month_first else ""
        fill = {
            "comma": str({"auto": comma, "comma": True, "point": False}[job.options.decimal]).lower(),
            "slash": literal(slash),
            "format": literal(job.options.day_format or ""),
            "summary": str(network.summary_rows).lower(),
            "currency": literal(_bracketed(found.get("amount", "")) or job.currency),
            "unit": "0.000001" if found.get("amount", "").lower().endswith("micros") else "1",
            "latest": job.latest,
        }
        work.run("costs", "checked", **fill)
        work.run("costs", "result")
        skipped = int(work.run("costs", "count_totals")[0][0])
        return Prepared(total, exact, "cost_lines", skipped, step=0)


def plain_name(column: str) -> str:
    """A column name as it is compared: lower case, without a currency in brackets."""
    return re.sub(r"\s*\([A-Z]{3}\)$", "", " ".join(column.split())).lower()


def _bracketed(column: str) -> str | None:
    found = re.search(r"\(([A-Z]{3})\)$", column.strip())
    return found[1] if found and found[1] != "UTC" else None


def recognise(names: Mapping[str, str] | tuple[str, ...], options: CostsOptions) -> dict[str, str]:
    """Field → column, by the mapping of the options and by names that are known."""
    plain = {plain_name(name): name for name in reversed(tuple(names))}
    plain |= {name.lower(): name for name in names}
    found = {field: plain[n] for field, known in NAMES.items() if (n := next((k for k in known if k in plain), None))}
    return {**found, **options.map}


def network_of(names: Mapping[str, str] | tuple[str, ...]) -> Network:
    """The ad network whose export has these columns."""
    plain = {plain_name(name) for name in names}
    if "total spent" in plain or "start date (in utc)" in plain:
        return LINKEDIN
    if "amount spent" in plain or {"reporting starts", "reporting ends"} <= plain or "ausgegebener betrag" in plain:
        return META
    if plain & {"impr.", "currency code", "metrics.cost_micros", "cost_micros", "währungscode"}:
        return GOOGLE
    return PLAIN


def header_of(file: File, options: CostsOptions) -> File:
    """The file with the first line that has a day and a cost as its header."""
    with file.text() as text:
        lines = [line for line, _ in zip(text, range(400), strict=False)]
    lines = ["".join(line.splitlines()).lstrip("\ufeff") for line in lines]
    best: File | None = None
    for skip in range(min(len(lines), _LOOKED_AT)):
        for delimiter in [options.delimiter] if options.delimiter else [",", ";", "\t", "|"]:
            names = next(csv.reader([lines[skip]], delimiter=delimiter), [])
            found = recognise(unique(names), options)
            if len(names) > 1 and {"day", "amount"} <= found.keys():
                best = csv_layout(file, "\n".join(lines), delimiter, skip)
                break
        if best is not None:
            break
    return best if best is not None else replace(file, skip=0)


def _check(file: str, found: Mapping[str, str], types: Mapping[str, str]) -> None:
    missing = [name for name in ("day", "amount") if name not in found]
    if missing:
        words = {"day": "a day", "amount": "a cost"}
        lacking = " and ".join(words[name] for name in missing)
        shown = ", ".join(list(types)[:12])
        raise DataError(f"{file} has no column for {lacking}; give --map {missing[0]}=COLUMN (columns: {shown})")


def _texts(job: Job, types: Mapping[str, str], found: Mapping[str, str], network: Network) -> Expr:
    """The select over ``rows`` with every field as text."""
    from sqlglot import exp

    columns = Columns(job.file.name, types)
    options = job.options
    defaults = {
        "source": options.source or network.source,
        "medium": options.medium or network.medium,
        "channel": options.channel or network.channel,
        "campaign": options.campaign,
    }
    made: list[Expr] = [exp.column(name, quoted=True) for name in ("__n", "__line", "__raw", "__problem")]
    kinds = columns.find("Campaign type") if network is GOOGLE and options.channel is None else None
    for field in FIELDS:
        value: Expr = text_of(found.get(field), columns)
        default = defaults.get(field)
        if field == "channel" and kinds is not None and "channel" not in found:
            value = _channel(columns.text(kinds))
        if default is not None:
            value = exp.Coalesce(this=value, expressions=[exp.Literal.string(default)])
        made.append(value.as_(f"{field}_text"))
    made.append(columns.text(next(iter(types))).as_("first_text"))
    return exp.select(*made).from_("rows")


def _channel(kind: Expr) -> Expr:
    """The channel of Google's campaign type."""
    from sqlglot import exp

    case = exp.case()
    for word, channel in _GOOGLE_CHANNELS:
        holds = exp.Contains(this=exp.Lower(this=kind.copy()), expression=exp.Literal.string(word))
        case = case.when(holds, exp.Literal.string(channel))
    return case
