"""What can be built by clicking: an entry of the plan as fields of a form, and what it would have counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.model.errors import UsageError
from assay.plan.edit import Addition

if TYPE_CHECKING:
    from assay.plan.values import Plan

Form = Mapping[str, list[str]]
ROWS = 4  # of a list that is filled row by row, at first
MOST_ROWS = 20


@dataclass(frozen=True)
class Choices:
    """What can be chosen. ``seen``: events that came, whether the plan names them or not."""

    plan: Plan
    seen: tuple[str, ...] = ()

    @property
    def events(self) -> list[str]:
        """Events that came first, then those of the plan."""
        return list(dict.fromkeys([*self.seen, *sorted(self.plan.events)]))


Offered = Callable[[Choices], Sequence[str]]


@dataclass(frozen=True)
class Field:
    """One key of an entry. ``kind``: text, number, flag, one (of ``of``), many (of ``of``) or words (by commas)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    of: Offered = lambda _choices: ()
    required: bool = False
    default: Any = None  # what the plan takes where nothing is said; it is not written

    def read(self, form: Form) -> Any:
        """The value in a form; None where nothing is said. Raises UsageError."""
        given = [one.strip() for one in form.get(self.name, ()) if one.strip()]
        if self.kind == "flag":
            return True if given else None
        if self.kind == "many":
            return given or None
        if self.kind == "words":
            return [word.strip() for one in given for word in one.split(",") if word.strip()] or None
        if not given:
            return None
        return _number(self.label, given[0]) if self.kind == "number" else given[0]

    def shown(self, value: Any) -> Any:
        """The value as the form has it."""
        if self.kind == "flag":
            return bool(value)
        if self.kind in ("many", "words"):
            found = [str(one) for one in value] if isinstance(value, list | dict) else [str(value)] if value else []
            return found if self.kind == "many" else ", ".join(found)
        return "" if value is None else str(value)


def _number(label: str, text: str) -> int | float:
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        raise UsageError(f"{label}: {text!r} is not a number") from None
    return int(found) if found == int(found) else found


@dataclass(frozen=True)
class Trial:
    """What shows an entry at work before it is kept: a question, and what the plan needs more for it."""

    question: str
    values: Mapping[str, Any]
    more: tuple[Addition, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One section of the plan as a form. ``rows``: fields that repeat, each row an item of the list ``listed``."""

    name: str
    section: str
    title: str
    about: str
    fields: tuple[Field, ...]
    trial: Callable[[str, Mapping[str, Any]], Trial]
    page: str  # where it is shown afterwards: "funnels?funnel="
    listed: str = ""
    rows: tuple[Field, ...] = ()
    whole: str = ""  # the field that is the whole entry
    named_by: Offered | None = None  # the name is one of these
    name_hint: str = "Small letters, digits and underscores."

    @property
    def word(self) -> str:
        """The title within a sentence: an abbreviation stays as it is."""
        return self.title if self.title.isupper() else self.title.lower()

    def entry(self, form: Form, before: Any = None) -> Any:
        """The entry that a form says; keys of ``before`` that the form does not know stay. Raises UsageError."""
        said = {one.name: self._said(one, form, before) for one in self.fields}
        demand(self.fields, said)
        if self.whole:
            return said[self.whole]
        made: dict[str, Any] = {}
        if self.listed:
            made[self.listed] = [self._item(row) for row in self._rows(form) if row]
            if not made[self.listed]:
                raise UsageError(f"{self.listed}: say at least one")
        for one in self.fields:
            if said[one.name] not in (None, one.default):
                _put(made, one.name.split("."), said[one.name])
        return _joined(made, before if isinstance(before, dict) else {}, self._known)

    @property
    def _known(self) -> frozenset[str]:
        """Dotted keys that the form speaks for."""
        return frozenset({*(one.name for one in self.fields), *([self.listed] if self.listed else ())})

    def _said(self, one: Field, form: Form, before: Any) -> Any:
        """A field's value; where it says what was there before, exactly that."""
        value, old = one.read(form), before if self.whole else _get(before, one.name.split("."))
        return old if old is not None and one.shown(value) == one.shown(old) else value

    def _rows(self, form: Form) -> list[dict[str, Any]]:
        """The rows that are filled: ``listed.N.name`` is a field of row N."""
        found = []
        for number in range(MOST_ROWS):
            part = {one.name: form.get(f"{self.listed}.{number}.{one.name}", []) for one in self.rows}
            row = {one.name: one.read(part) for one in self.rows}
            found.append({name: value for name, value in row.items() if value is not None})
        return found

    def _item(self, row: dict[str, Any]) -> Any:
        first = self.rows[0].name
        if first not in row:
            raise UsageError(
                f"{self.listed}: {self.rows[0].label.lower()} is missing beside {next(iter(row.values()))!r}"
            )
        return row[first] if set(row) == {first} else row

    def shown(self, entry: Any) -> dict[str, Any]:
        """An entry as values of the form."""
        entry = {self.whole: entry} if self.whole else entry if isinstance(entry, dict) else {}
        made = {}
        for one in self.fields:
            value = _get(entry, one.name.split("."))
            made[one.name] = one.shown(one.default if value is None else value)
        for number, item in enumerate(entry.get(self.listed, ()) if self.listed else ()):
            item = item if isinstance(item, dict) else {self.rows[0].name: item}
            made |= {f"{self.listed}.{number}.{one.name}": one.shown(item.get(one.name)) for one in self.rows}
        return made

    def filled(self, form: Form) -> dict[str, Any]:
        """What somebody has written so far, as values of the form again."""
        made = {
            one.name: bool(form.get(one.name)) if one.kind == "flag"
            else list(form.get(one.name, ())) if one.kind == "many" else "".join(form.get(one.name, [""])[:1])
            for one in self.fields
        }  # fmt: skip
        for number in range(MOST_ROWS if self.listed else 0):
            for one in self.rows:
                name = f"{self.listed}.{number}.{one.name}"
                made[name] = "".join(form.get(name, [""])[:1])
        return made

    def length(self, values: Mapping[str, Any], more: int = 0) -> int:
        """How many rows the form has."""
        filled = [
            int(key.split(".")[1]) + 1
            for key, value in values.items()
            if self.listed and key.startswith(f"{self.listed}.") and value
        ]
        return min(MOST_ROWS, max([ROWS, *filled]) + more)


def demand(fields: Sequence[Field], said: Mapping[str, Any]) -> None:
    """Raise UsageError where a field that must be filled says nothing."""
    for one in fields:
        if one.required and said[one.name] is None:
            raise UsageError(f"{one.label} is missing")


def _get(entry: Any, path: Sequence[str]) -> Any:
    """What stands at a path; a word stands for the mapping that has it as its metric."""
    for key in path:
        word = entry if isinstance(entry, str) and key == "metric" else None  # primary: rate
        entry = entry.get(key) if isinstance(entry, dict) else word
    return entry


def _put(made: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        made = made.setdefault(key, {})
    made[path[-1]] = value


def _joined(made: dict[str, Any], before: dict[str, Any], known: frozenset[str], under: str = "") -> dict[str, Any]:
    """What the form says, and what it cannot say of the entry before."""
    joined = dict(made)
    for key, value in before.items():
        name = f"{under}{key}"
        if any(one.startswith(f"{name}.") for one in known):
            if isinstance(value, dict) and isinstance(joined.get(key, {}), dict):
                inner = _joined(joined.get(key, {}), value, known, f"{name}.")
                joined |= {key: inner} if inner else {}
        elif name not in known:
            joined[key] = value
    return joined


def counting(name: str, of: Mapping[str, Any], **values: Any) -> Trial:
    """A trial that counts: a metric that is there for it only."""
    return Trial("metric", {"names": [name], **values}, (Addition(("metrics", name), dict(of)),))
