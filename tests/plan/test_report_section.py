"""The section ``report``: secrets stay out of it, receivers exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.model.errors import PlanError
from assay.plan.load import load
from assay.plan.reporting import Hook, Mail, Schedule

WHOLE = """
report:
  title: The week
  for: Kaffeekiste GmbH
  logo: logo.png
  mail: {host: mail.example.com, from: r@example.com, user: env:SMTP_USER, password: env:SMTP_PASSWORD}
  hooks: {team: {kind: slack, url: env:SLACK_URL}}
  schedules: [{every: monday 08:00, to: [anna@example.com, team], format: pdf}, {every: month 07:30, to: team}]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "assay.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_whole_section(tmp_path: Path) -> None:
    plan = load(write(tmp_path, WHOLE))
    found = plan.report
    assert (found.title, found.client, found.logo) == ("The week", "Kaffeekiste GmbH", "logo.png")
    assert found.mail == Mail(
        "mail.example.com", "r@example.com", 587, "starttls", "env:SMTP_USER", "env:SMTP_PASSWORD"
    )
    assert found.hooks == {"team": Hook("team", "slack", "env:SLACK_URL")}
    assert found.schedules == (
        Schedule("monday 08:00", 0, 480, ("anna@example.com", "team"), "pdf"),
        Schedule("month 07:30", "month", 450, ("team",), "pdf"),
    )
    assert load(write(tmp_path, "")).id == plan.id  # no number depends on it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("report: {schedules: [{every: monday 08:00, to: a@example.com}]}", "mail needs a server"),
        ("report: {hooks: {team: {url: env:X}}, schedules: [{every: day 08:00, to: teem}]}", "did you mean 'team'"),
        ("report: {hooks: {team: {url: 'https://hooks.example.com/secret'}}}", "never stands in the plan"),
        ("report: {logo: logo.exe}", "neither .png nor .svg"),
        ("report: {link: javascript:alert(1)}", "is no address"),
        ("report: {schedules: [{every: mondays, to: a@b}]}", "every"),
        ("report: {mail: {host: h, from: f, tls: maybe}}", "tls"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlanError) as told:
        load(write(tmp_path, text))
    said = " ".join(str(told.value).split())
    assert message in said
    assert "secret" not in said or "a secret never" in said
