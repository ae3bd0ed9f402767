"""The plan's sections by name: their shape, the form of their entries, and one line of help each."""

from __future__ import annotations

from dataclasses import dataclass

from assay.plan.experiment_forms import ExperimentForm, HoldoutForm
from assay.plan.forms import (
    ActivityForm,
    AlertForm,
    ChangeForm,
    ChannelForm,
    CleaningForm,
    CohortForm,
    CollectForm,
    EventForm,
    Form,
    FunnelForm,
    GoalForm,
    KpiForm,
    ObjectiveForm,
    OrdersForm,
    RetentionForm,
    RulesForm,
    SiteForm,
)
from assay.plan.reporting_forms import ReportForm
from assay.plan.source_forms import SourceForm
from assay.plan.webhook_forms import WebhookForm


@dataclass(frozen=True)
class Section:
    """One section. ``shape``: one (a mapping), named (name → entry), list, text (name → text), raw (name → mapping) …

    ``form`` is None where the entries' keys are checked elsewhere.
    """

    name: str
    shape: str
    form: type[Form] | None
    help: str


SECTIONS: tuple[Section, ...] = (
    Section("site", "one", SiteForm, "The site or client: zone, currency, domains."),
    Section("rules", "one", RulesForm, "Semantics by name."),
    Section(
        "pages", "pages", CleaningForm, "Page groups: group → glob or list of globs; _clean says how URLs are cleaned."
    ),
    Section("events", "named", EventForm, "Own events, and own properties of built-in ones."),
    Section("orders", "one", OrdersForm, "What an order is and what it costs."),
    Section("goals", "named", GoalForm, "Conversions, macro and micro."),
    Section("activity", "one", ActivityForm, "What counts as active; default: any interactive event."),
    Section("objectives", "named", ObjectiveForm, "Outcomes wanted."),
    Section("metrics", "metrics", None, "Everything measurable."),
    Section("kpis", "named", KpiForm, "Metrics tied to an objective."),
    Section("segments", "text", None, "Named conditions."),
    Section("cohorts", "named", CohortForm, "Units by what they did."),
    Section("funnels", "named", FunnelForm, "Steps in a window."),
    Section("channels", "list", ChannelForm, "Own channel rules, before the rule set's."),
    Section("experiments", "named", ExperimentForm, "Tests: hypothesis, variants, primary metric, guardrails."),
    Section("holdout", "one", HoldoutForm, "The share of units that no test takes in."),
    Section("changes", "list", ChangeForm, "The change log."),
    Section("alerts", "named", AlertForm, "Numbers that are watched."),
    Section("collect", "one", CollectForm, "How events are taken in: mode, consent, own visits, what is removed."),
    Section("retention", "one", RetentionForm, "How long events are kept."),
    Section("imports", "raw", None, "Column mappings for imports."),
    Section("source", "one", SourceForm, "Own tables that events are read from, without a copy."),
    Section("webhooks", "named", WebhookForm, "Outcomes that happen elsewhere: who signs them, what they become."),
    Section("report", "one", ReportForm, "Whose report it is, and to whom it goes when."),
)
