"""``ASOF JOIN`` in words that Spark has: both sides in one line of time, and the last row of the right one so far.

One pass over rows sorted by unit and time, so a unit with a million rows costs a million steps and not their square.
"""

from __future__ import annotations

from typing import Any

from assay.model.errors import MachineError
from assay.store.schema import text as text_of


def without(select: Any) -> None:
    """Replace the join of a select that has one."""
    from sqlglot import exp

    joins = select.args.get("joins") or []
    places = [n for n, join in enumerate(joins) if join.method == "ASOF"]
    if not places:
        return
    first = select.args["from_"] if "from_" in select.args else select.args["from"]
    if places != [0] or any(column.is_star for column in select.expressions):
        raise MachineError(f"Spark's words for {select.sql(dialect='duckdb')} are not known")
    join = joins[0]
    left, right = first.this, join.this
    keys, at = _conditions(join, left.alias_or_name, right.alias_or_name)
    later = isinstance(at, exp.GT)
    table = _near(left, right, keys, (at.this, at.expression), later, join.side == "LEFT")
    first.set("this", table)
    select.set("joins", joins[1:])


def _conditions(join: Any, left: str, right: str) -> tuple[list[tuple[Any, Any]], Any]:
    """Equal columns as (left, right), and the comparison of times, the left one's at its left."""
    from sqlglot import exp

    keys, times = [], []
    for part in join.args["on"].flatten() if isinstance(join.args["on"], exp.And) else [join.args["on"]]:
        sides = {column.table for column in part.this.find_all(exp.Column)}
        if isinstance(part, exp.EQ):
            keys.append((part.expression, part.this) if sides == {right} else (part.this, part.expression))
        elif isinstance(part, exp.GT | exp.GTE) and sides == {left}:
            times.append(part)
        elif isinstance(part, exp.LT | exp.LTE) and sides == {right}:
            turned = exp.GT if isinstance(part, exp.LT) else exp.GTE
            times.append(turned(this=part.expression, expression=part.this))
    if len(times) != 1 or len(keys) + 1 != len(list(join.args["on"].flatten())):
        raise MachineError(f"Spark's words for {join.sql(dialect='duckdb')} are not known")
    return keys, times[0]


def _near(left: Any, right: Any, keys: list[tuple[Any, Any]], at: tuple[Any, Any], later: bool, outer: bool) -> Any:
    import sqlglot

    names = [f"key_{n}" for n in range(len(keys))]

    def text(node: Any) -> str:
        return str(node.sql(dialect="spark"))

    def table(node: Any) -> str:
        bare = node.copy()
        bare.set("alias", None)
        return text(bare)

    a, b = left.alias_or_name, right.alias_or_name
    sql = text_of("spark", "asof").format(
        left=a, right=b, keys=", ".join(names), left_table=table(left), right_table=table(right),
        left_keys=", ".join(f"{text(one)} AS {name}" for (one, _), name in zip(keys, names, strict=True)),
        right_keys=", ".join(f"{text(one)} AS {name}" for (_, one), name in zip(keys, names, strict=True)),
        left_at=text(at[0]), right_at=text(at[1]), left_side=int(not later), right_side=int(later),
        right_there="".join(f" AND {text(one)} IS NOT NULL" for _, one in keys),
        inner="" if outer else f" AND {b} IS NOT NULL",
    )  # fmt: skip
    table_of: Any = sqlglot.parse_one(sql, dialect="spark")
    return table_of.subquery("asof_")
