"""One field of a form makes people give up."""

from __future__ import annotations

from assay.analyses.situations.base import NotSeen, Site, Situation, strongest, sure
from assay.decide.words import percent
from assay.model.finding import Finding

FIELDS = ("form_field", "field_name", "field")
_FAR = 2.0  # times the usual field's share of those who stop at it


def look(site: Site) -> list[Finding]:
    """Of those who touch a field and send no form: at which one they stopped, against how often that is usual."""
    from assay.query.situations import last_fields

    plan = site.asking.plan
    known = next((name for name in FIELDS if name in plan.properties()), None)
    if known is None:
        raise NotSeen("no declared property form_field, field_name or field on the form's events")
    sent = [name for name in ("generate_lead", "form_submit", "sign_up") if site.events(name)]
    if not sent:
        raise NotSeen("no event generate_lead, form_submit or sign_up tells that a form was sent")
    rows = [r for r in site.asking.ask(last_fields(plan, site.cut(), known, tuple(sent))).rows if r[1] >= 50]
    if len(rows) < 3:
        raise NotSeen("fewer than three form fields with enough visitors")
    # whoever reaches a field goes on or stops there: fields are held against each other as if all were alike
    stopped, touched = sum(r[2] for r in rows), sum(r[1] for r in rows)
    found = []
    for field, reached, stops in rows:
        rest = (stopped - stops) / (touched - reached)
        rate = stops / reached
        usual = stopped / touched
        spread = usual * (1 - usual) * (1 / reached + 1 / (touched - reached))
        z = (rate - rest) / spread**0.5 if spread else 0.0
        if rate > _FAR * rest and sure(z, len(rows)):
            text = (
                f"{percent(rate)} of those who reach the field {field} stop there; at other fields {percent(rest)} do"
            )
            evidence = {"field": str(field), "rate": rate, "others": rest, "reached": int(reached)}
            found.append((z, Finding("form_abandonment", "warning", text, evidence, "assay journey --node EVENT")))
    return strongest(found)


SITUATION = Situation(
    "form_abandonment",
    "A form field where people give up",
    (
        "a question that is too personal or too hard",
        "an error message that does not help",
        "a field that is not needed",
    ),
    "Drop the field, or make it optional and say why it is asked",
    look,
)
