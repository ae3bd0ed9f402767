"""attribution: what credit each channel, source, medium or campaign gets for orders or a goal, and at what cost."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from assay.analyses.base import Asking, Question, Ranged, session_words
from assay.analyses.crediting import NO_TOUCH, Run, blended, decimal, load, spent, table, zero
from assay.model.answer import Answer, Cell, Column, Definition, Labelled
from assay.model.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from assay.model.period import Period
    from assay.query.touches import Asked
    from assay.stats.attribution import Model

_ORDERS = ("order", "orders")
_WIDE = 3  # with more models than that, their returns on cost are one click down


class Params(Ranged):
    """What counts as a conversion and as a touch, which models, and how ad costs are set against them."""

    goal: str = Field("order", description="order, a goal of the plan, or an event's name")
    model: list[str] = Field(
        default_factory=lambda: ["linear"],
        description="first, last, last_non_direct, linear, position, j, inverse_j, time_decay, shapley, markov, all, "
        "or per cent for first, between and last such as 30/40/30; repeat to compare",
    )
    by: Literal["channel", "source", "medium", "campaign"] = Field("channel", description="what a touch is named by")
    per: Literal["visitor", "user"] = Field("visitor", description="whose sessions are touches")
    lookback: str = Field("30d", description="touches this long before a conversion count")
    value: Literal["net", "gross", "goal", "count"] | None = Field(
        None, description="what a conversion is worth; default: net revenue of an order, the value of a goal"
    )
    touch: str | None = Field(None, description="only sessions that hold this event are touches")
    exclude_direct: bool = Field(False, description="leave direct touches out where a conversion has others")
    transform: list[str] = Field(
        default_factory=list,
        description="exposure, first, remove_if_last_and_not_all=VALUE or remove_if_not_all=VALUE; repeat for more",
    )
    date: Literal["touch", "conversion"] = Field(
        "touch", description="set costs against conversions by the date of the touch, or of the conversion"
    )
    paths: bool = Field(False, description="the most frequent paths instead")
    limit: int = Field(20, ge=1, le=10_000, description="most paths shown")


def answer(asking: Asking, params: Params) -> Answer:
    """One row per value of the dimension, with the credit of each model; or one row per path."""
    from assay.query.cut import Cut

    models, asked = chosen_models(params.model), what(asking, params)
    period = asking.period(params)
    if asking.without(period):
        return asking.empty("attribution", params, period)
    cut = Cut(period, where=asking.segment(params.segment))
    run = Run(asking, params.by, params.date == "touch", asked, cut, models)
    load(run, params.paths)
    if not run.totals[0]:
        reason = f"no conversions in {period}"
        made = asking.empty("attribution", params, period)
        return replace(made, empty=reason, sentence=f"There were no conversions ({params.goal}) in {period}.")
    return _paths(run, params, period) if params.paths else _credits(run, params, period)


def chosen_models(names: list[str]) -> list[Model]:
    """The models by name; ``all`` = every one. UnknownName otherwise."""
    from assay.stats.attribution import ALIASES, MODELS, custom

    known = {model.name: model for model in MODELS}
    own = {name: model for name in names if (model := custom(name)) is not None}
    wanted = list(known) if "all" in names else [ALIASES.get(name, name) for name in names]
    for name in wanted:
        if name not in known and name not in own:
            raise UnknownName("attribution model", name, [*known, "all"], "assay")
    return [(known | own)[name] for name in dict.fromkeys(wanted)] or [known["linear"]]


def what(asking: Asking, params: Params) -> Asked:
    """The parameters, checked against the plan."""
    from assay.plan.literals import duration
    from assay.query.channels import names
    from assay.query.touches import NOTHING, Asked, transform

    try:
        window = duration(params.lookback)
    except ValueError as error:
        raise UsageError(f"lookback: {error}") from error
    transforms = tuple(transform(text) for text in params.transform)
    known = [*names(asking.plan), NOTHING]
    for name, value in transforms:
        if params.by == "channel" and value is not None and value not in known:
            raise UnknownName("channel", value, known, f"--transform {name}: rule set {asking.plan.rules.channels}")
    if params.touch is not None and params.touch not in (events := _events(asking)):
        raise UnknownName("event", params.touch, events)
    goal = _goal(asking, params.goal)
    value = params.value or ("net" if goal is None else "goal" if goal.value is not None else "count")
    if goal is not None and value in ("net", "gross"):
        raise UsageError(f"{params.goal} has no revenue; ask for --value goal or --value count, or for orders")
    if value == "goal" and (goal is None or goal.value is None):
        raise UsageError(f"{params.goal} has no value in the plan; ask for --value count")
    return Asked(params.by, params.per, window, goal, value, params.touch, params.exclude_direct, transforms)


def _events(asking: Asking) -> list[str]:
    from assay.model.event import STANDARD_EVENTS

    return [*STANDARD_EVENTS, *asking.plan.events]


def _goal(asking: Asking, name: str) -> Any:
    """The goal of that name; None for orders; an event by its own name is a goal too."""
    from assay.plan.values import Goal

    plan = asking.plan
    found = plan.goals.get(name)
    if found is None:
        if name in _ORDERS:
            return None
        events = _events(asking)
        if name not in events:
            raise UnknownName("goal or event", name, [*plan.goals, *_ORDERS[:1], *events])
        found = Goal(name, event=name)
    # An order is an entity: its repeated or uncounted lines are not further conversions.
    return None if found.event == plan.orders.event and not found.page and found.where is None else found


# -- credits ----------------------------------------------------------------------------------------------------------


def _credits(run: Run, params: Params, period: Period) -> Answer:
    keys: dict[str, None] = {}
    tables = []
    for model in run.models:
        tables.append(table(run, model))
        keys |= dict.fromkeys(tables[-1][0])
    keys |= dict.fromkeys(run.costs)
    ranks = {key: tuple(amounts[:2]) for key, amounts in run.credits(run.models[0]).items()}
    order = sorted(keys, key=lambda k: (k == NO_TOUCH, *(-x for x in ranks.get(k, (0, 0))), k))
    definitions = tuple(_definition(run, params, model) for model in run.models)
    rows: list[list[Cell]] = [[key, *([spent(run, key)] if run.costs else [])] for key in order]
    labelled: list[Labelled] = []
    columns = [Column(params.by), *([Column("cost", "money", currency=run.currency)] if run.costs else [])]
    for model, (cells, ratios), definition in zip(run.models, tables, definitions, strict=True):
        suffix = f"_{model.name}" if len(run.models) > 1 else ""
        columns += _columns(run, suffix, definition.id)
        for row, key in zip(rows, order, strict=True):
            row += cells.get(key, zero(run))
            for name, one in ratios(key):
                row.append(one.value)
                labelled.append(Labelled(name + suffix, {params.by: key}, one))
    labelled += blended(run)
    return run.asking.answer(
        "attribution",
        params,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        estimates=tuple(labelled),
        definitions=definitions,
        sentence=_sentence(run, order, tables[0][0], str(period)),
        notes=_notes(run),
        next=tuple(
            f"{_again(params)} {more}" for more in (["--model all"] if len(run.models) == 1 else []) + ["--paths"]
        ),
        chart={"kind": "bars", "x": params.by, "y": columns[1 + bool(run.costs)].name},
    )


def _columns(run: Run, suffix: str, definition: str) -> list[Column]:
    of = suffix[1:].replace("_", " ")
    several = bool(suffix)  # one figure per model side by side; the others are one click down
    wide = len(run.models) > _WIDE  # then that figure is called by its model alone

    def money(name: str, detail: bool = False) -> Column:
        label = f"{name.upper() if name in ('cpa', 'cac') else name.replace('_', ' ')} {of}".strip()
        label = of if wide and name == "revenue" else label
        return Column(name + suffix, "money", label, definition, run.currency, detail)

    made = [
        Column(
            f"conversions{suffix}",
            "number",
            of if wide and not run.money else f"conversions {of}".strip(),
            definition,
            detail=several and run.money,
        )
    ]
    made += [money("revenue")] if run.money else []
    made.append(Column(f"share{suffix}", "rate", definition=definition, detail=bool(suffix)))
    if run.costs:
        made.append(money("cpa", several))
        made += [money("cac", several)] if run.asked.goal is None else []
        made += [Column(f"roas{suffix}", "number", f"ROAS {of}".strip(), definition, detail=wide)] if run.money else []
        made.append(
            Column(
                f"dated_conversions{suffix}",
                "number",
                f"conversions by {'touch' if run.by_touch else 'conversion'} date",
                definition,
                detail=several or not run.by_touch,
            )
        )
        made += [money("cpa_matured", True)] if run.asked.reach else []
        if run.asked.reach and run.money:
            made.append(Column(f"roas_matured{suffix}", "number", definition=definition, detail=True))
    return made


# -- paths ------------------------------------------------------------------------------------------------------------


def _paths(run: Run, params: Params, period: Period) -> Answer:
    from assay.model.money import digits
    from assay.query.attribution import path_statement, read_paths
    from assay.stats.attribution import to_the_cent

    found = read_paths(run.asking.ask(path_statement(run.asking.plan, run.cut, run.asked)).rows)
    amounts = {" > ".join(keys): one for keys, one in found}
    length = {" > ".join(keys): len(keys) for keys, _ in found}
    rest = tuple(total - sum((a[i] for a in amounts.values()), Fraction(0)) for i, total in enumerate(run.totals))
    if rest[0]:
        amounts[NO_TOUCH] = rest
    worth = {key: one[1] for key, one in amounts.items()}
    revenue = to_the_cent(worth, decimal(run.totals[1]), digits(run.currency)) if run.money else {}
    rows: list[tuple[Cell, ...]] = [
        (key, length.get(key, 0), int(one[0]), *([revenue[key]] if run.money else []), float(one[0] / run.totals[0]))
        for key, one in sorted(amounts.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    ]
    money = (Column("revenue", "money", currency=run.currency),) if run.money else ()
    columns = (
        Column("path"),
        Column("touches", "count"),
        Column("conversions", "count"),
        *money,
        Column("share", "rate"),
    )
    return run.asking.answer(
        "attribution",
        params,
        columns=columns,
        rows=tuple(rows[: params.limit]),
        definitions=tuple(_definition(run, params, model) for model in run.models),
        sentence=f"{int(run.totals[0]):,} conversions came over {len(amounts):,} different paths, {period}.",
        notes=_notes(run),
        next=(f"{_again(params)} --model all",),
        chart={"kind": "bars", "x": "path", "y": "conversions"},
    )


# -- words ------------------------------------------------------------------------------------------------------------


def _definition(run: Run, params: Params, model: Model) -> Definition:
    from assay.plan.literals import words
    from assay.query.sql import digest
    from assay.stats.attribution import half_life

    asked, plan = run.asked, run.asking.plan
    window = f"{words(asked.window)} before the conversion"
    touch = f"sessions with {asked.touch}" if asked.touch else "sessions"
    decay = f"; half-life {words(half_life(asked.window))}" if model.name == "time_decay" else ""
    rules = {
        "channels": plan.rules.channels,
        "session": session_words(plan),
        "session_source": plan.rules.session_source,
    }
    rules |= {"direct": "left out where there are others"} if asked.exclude_direct else {}
    rules |= {"transforms": ", ".join(params.transform)} if asked.transforms else {}
    rules |= {"value": asked.value, "refunds": plan.rules.refunds}
    parts = [model.name, model.words, asked.by, asked.per, asked.window, params.goal, asked.touch, params.date, rules]
    text = f"{model.name}: {model.words}{decay}; touches are {touch} within {window}, by {asked.by}"
    conversions = "orders" if asked.goal is None else f"{params.goal} events"
    return Definition(digest("attribution", *parts), model.name, text, f"credited {conversions}", "",
                      asked.per, window, plan.site.timezone, rules)  # fmt: skip


_BLENDED = {"cpa_blended": "blended CPA", "cac_blended": "blended CAC"}


def _notes(run: Run) -> tuple[str, ...]:
    from assay.decide.words import amount
    from assay.plan.literals import words

    window = words(run.asked.window)
    rules = run.asking.plan.rules.channels
    made = [f"touches up to {window} before a conversion, also before the range; channel rules {rules}"]
    if run.asking.plan.rules.session_source == "last_non_direct":
        made.append("a direct session is a touch of the source that it took over (rules: session_source)")
    if run.asked.exclude_direct:
        made.append("direct touches are left out; a conversion with no others is credited to them")
    if run.costs:
        dated = f"by date of the touch, within {window}; open windows may still bring more (matured: closed ones)"
        made.append(f"CPA, CAC and ROAS: {dated if run.asked.reach else 'by date of the conversion'}")
        made += [f"{_BLENDED[one.metric]} {amount(one.estimate.value, run.currency)}: all ad cost over all {of}"
                 for one, of in zip(blended(run), ("conversions", "new customers"), strict=False)
                 if one.estimate.value is not None]  # fmt: skip
    if any(model.shares is not None for model in run.models):
        made.append(
            "markov credits all conversions of the range together; its cost figures are by date of the conversion"
        )
    return tuple(made)


def _again(params: Params) -> str:
    """The same conversions once more."""
    kept = {name: getattr(params, name) for name in ("goal", "by", "lookback") if name in params.model_fields_set}
    return " ".join(["assay attribution", *(f"--{name} {value}" for name, value in kept.items())])


def _sentence(run: Run, order: list[str], cells: dict[str, list[Cell]], period: str) -> str:
    from assay.decide.words import percent

    shares = {key: cells[key][-1] for key in order if key in cells and key != NO_TOUCH}
    best = max(shares, key=lambda key: float(str(shares[key] or 0)), default=None)
    if best is None or not isinstance(cells[best][-1], float):
        return f"None of {int(run.totals[0]):,} conversions had a touch, {period}."
    of = "revenue" if run.money else "conversions"
    share = percent(float(str(cells[best][-1])))
    total = f"{int(run.totals[0]):,} conversions"
    return f"{best} gets {share} of the {of} by the model {run.models[0].name.replace('_', ' ')} ({total}), {period}."


QUESTION = Question(
    "attribution", "Which channel gets credit for orders or a goal, and at what cost.", Params, answer, over_days=True
)
