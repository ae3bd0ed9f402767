"""The keys of an experiment and of the holdout as pydantic models, with what one block can say by itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from assay.plan import literals
from assay.plan.experiments import EXPOSURE_EVENT, Cap
from assay.plan.forms import Day, Direction, Duration, DurationText, Form, Text, Texts, shorthand

Fraction = Annotated[float, BeforeValidator(literals.fraction, json_schema_input_type=str | float)]
Yearly = Annotated[float, BeforeValidator(literals.yearly, json_schema_input_type=str | float)]
ChangeText = Annotated[literals.Written, BeforeValidator(literals.change, json_schema_input_type=str | float)]
CapText = Annotated[Cap, BeforeValidator(literals.cap, json_schema_input_type=str | float)]
Weight = Annotated[float, Field(ge=0, lt=1e9)]
Looked = Literal["fixed", "always_valid"]
DurationOrNoneText = Annotated[str, StringConstraints(pattern=r"^(none|[0-9]+\s*[smhdw])$")]


def _arms(value: Any) -> Any:
    """A list of names is a mapping with equal weights."""
    if not isinstance(value, list):
        return value
    for one in value:
        if not isinstance(one, str) or not one:
            raise ValueError(f"a variant's name is text, not {literals.show(one)}")
    twice = next((one for one in value if value.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands there twice")
    return dict.fromkeys(value, 1)


def _two_arms(value: dict[str, float]) -> dict[str, float]:
    if len(value) < 2:
        raise ValueError("a test compares at least two variants, such as {control: 50, treatment: 50}")
    if not any(value.values()):
        raise ValueError("every weight is 0, so that nobody is taken in; give at least one more than 0")
    return value


def _one_primary(value: Any) -> Any:
    if isinstance(value, list):
        text = (
            "a test is decided by one primary metric; put the others into diagnostics, or into guardrails with a margin"
        )
        raise ValueError(text)
    return {"metric": value} if isinstance(value, str) else value


def _word_of_looks(value: Any) -> Any:
    if value == "group_sequential":
        raise ValueError("group_sequential needs its looks: {group_sequential: 5}, or a list of days")
    return {"rule": value} if isinstance(value, str) else value


def _planned(value: Any) -> Any:
    """A number of looks, or days in order."""
    if isinstance(value, list) and value:
        days = tuple(literals.day(one) for one in value)
        if any(first >= second for first, second in pairwise(days)):
            raise ValueError("the days of the looks must rise, each once")
        return days
    if isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= 100:
        return value
    raise ValueError(f"{literals.show(value)} is neither a number of looks from 2 to 100 nor a list of days")


def _covariate(value: Any) -> Any:
    if value is None or value == "none":
        return None
    return {"days": value} if isinstance(value, str) else value


def _window(value: Any) -> int:
    """Seconds; ``none``: outcomes stand on the exposure itself."""
    return 0 if value == "none" else literals.duration(value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ExposureForm(Form):
    """How the data says which unit saw which variant, and when."""

    event: Text = EXPOSURE_EVENT
    name: Annotated[Text | None, Field(description="the property with the experiment's name; experiment_id")] = None
    variant: Annotated[Text | None, Field(description="the property with the variant's name; variant")] = None
    value: Annotated[Text | None, Field(description="the experiment's name as it is sent")] = None
    trigger: Annotated[
        Text | None, Field(description="an event, goal or page group: who does it is analysed, from then on")
    ] = None
    where: Text | None = None


class PrimaryForm(Form):
    """The metric that decides."""

    metric: Text
    mde: Annotated[ChangeText | None, Field(description="the smallest effect worth finding: 3%, 0.5pp, 0.10 EUR")] = (
        None
    )
    direction: Direction | None = None


class GuardrailForm(Form):
    """What must be shown not to get worse by more than its margin."""

    metric: Text
    margin: Annotated[ChangeText | None, Field(description="the worst that is put up with: 2%, 0.5pp, 0.10 EUR")] = None
    direction: Direction | None = None


class CupedForm(Form):
    """The covariate from before the exposure."""

    days: Duration = 28 * 86_400
    metric: Annotated[Text | None, Field(description="another metric than the one judged")] = None
    property: Annotated[Text | None, Field(description="a number that the exposure itself carries, instead")] = None

    @model_validator(mode="after")
    def _one(self) -> CupedForm:
        if self.property is not None and self.model_fields_set - {"property"}:
            raise ValueError(
                "property at once with days or metric: the exposure carries it, so there is no time to look back"
            )
        return self


class LooksForm(Form):
    """When the test may be judged: a word, or the looks of a group-sequential design."""

    rule: Looked | None = None
    group_sequential: Annotated[
        Any, BeforeValidator(_planned, json_schema_input_type=int | list[str]), Field(description="how many, or days")
    ] = None
    spending: Literal["obrien_fleming", "power"] | None = None

    @model_validator(mode="after")
    def _one(self) -> LooksForm:
        if (self.rule is None) == (self.group_sequential is None):
            raise ValueError("is one of fixed, always_valid, {group_sequential: 5} and {group_sequential: [days]}")
        if self.spending is not None and self.group_sequential is None:
            raise ValueError("only group_sequential spends alpha over looks; leave spending out")
        return self


class ValueForm(Form):
    """What an effect is worth."""

    per_conversion: Annotated[float, Field(gt=0, lt=1e12)] | None = None
    margin: Annotated[Fraction | None, Field(description="contribution per revenue")] = None
    currency: Text | None = None
    eligible: Annotated[Fraction, Field(description="share of the traffic that the change reaches")] = 1.0
    decay: Annotated[Yearly, Field(description="part of the effect lost per year")] = 0.0
    ramp: Annotated[Duration | None, Field(description="time until everybody has it")] = None


class ExperimentForm(Form):
    """A test: everything that could be tuned afterwards is written down before."""

    hypothesis: str = ""
    objective: Text | None = None
    owner: Text | None = None
    unit: Literal["visitor", "user", "account"] = "visitor"
    audience: Annotated[Text | None, Field(description="a segment, or an expression; at the exposure's visit")] = None
    variants: Annotated[
        dict[Text, Weight],
        BeforeValidator(_arms, json_schema_input_type=dict[str, float] | list[str]),
        AfterValidator(_two_arms),
    ] = Field({"control": 50.0, "treatment": 50.0})
    control: Text | None = None
    traffic: Annotated[Fraction, Field(description="share of the eligible units taken in")] = 1.0
    layer: Annotated[Text | None, Field(description="experiments of one layer exclude each other")] = None
    salt: Text | None = None
    exposure: Annotated[ExposureForm, shorthand("event", str | ExposureForm)] = ExposureForm()
    assignments: Literal["events", "assign"] = "events"
    start: Day | None = None
    end: Day | None = None
    window: Annotated[
        int,
        BeforeValidator(_window, json_schema_input_type=DurationOrNoneText),
        Field(description="time from a unit's first exposure in which outcomes count; none: they stand on it"),
    ] = 604_800
    attribution: Literal["window", "first"] = "window"
    primary: Annotated[PrimaryForm, BeforeValidator(_one_primary, json_schema_input_type=str | PrimaryForm)]
    diagnostics: Texts = Field([])
    guardrails: list[Annotated[GuardrailForm, shorthand("metric", GuardrailForm)]] = Field([])
    cap: dict[Text, CapText] = Field({})
    cuped: Annotated[
        CupedForm | None,
        BeforeValidator(_covariate, json_schema_input_type=DurationText | Literal["none"] | CupedForm | None),
    ] = None
    strata: Text | None = None
    looks: Annotated[LooksForm, BeforeValidator(_word_of_looks, json_schema_input_type=Looked | LooksForm)] = LooksForm(
        rule="always_valid"
    )
    alpha: Annotated[Fraction, Field(gt=0, lt=0.5, description="two-sided")] = 0.05
    power: Annotated[Fraction, Field(gt=0, lt=1)] = 0.8
    correction: Literal["holm", "bonferroni", "hochberg", "none"] = "holm"
    multi_arm: Literal["drop", "first"] = "drop"
    decision: Literal["do_no_harm", "non_inferiority"] = "do_no_harm"
    margin: Annotated[ChangeText | None, Field(description="of decision: non_inferiority")] = None
    value: ValueForm = ValueForm()
    follow_up: Annotated[
        list[Duration], BeforeValidator(_listed, json_schema_input_type=DurationText | list[DurationText])
    ] = Field([])
    follow_up_metrics: Texts = Field([])
    cost: Annotated[float | None, Field(ge=0, lt=1e12, description="what the test costs, in the site's currency")] = (
        None
    )
    notes: str = ""


class HoldoutForm(Form):
    """Units that no test takes in."""

    share: Fraction
    salt: Text = "holdout"
