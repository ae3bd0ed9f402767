"""How statements reach ClickHouse: a server over HTTP, or its engine inside this process (package chdb).

Both take the same SQL with the same settings and give the same text, so the engine's code does not know which it is.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from assay.model.errors import MachineError
from assay.store import schema
from assay.store.engine import Result
from assay.store.engines import shown

# Without these, what is missing comes back as 0 or '' instead of null, and a name may mean an alias of the same query.
SETTINGS: dict[str, int | str] = {
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "group_by_use_nulls": 1,
    "prefer_column_name_to_alias": 1,
    "allow_lossy_numeric_supertype": 1,
    "allow_experimental_correlated_subqueries": 1,
    "enable_named_columns_in_function_tuple": 1,
    "allow_experimental_nullable_tuple_type": 1,
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
    # An old version's table is dropped whatever its size.
    "max_table_size_to_drop": 0,
    "max_partition_size_to_drop": 0,
    # Joins run as they are written: without statistics ClickHouse's own order can start with a cross join.
    "query_plan_optimize_join_order_limit": 0,
}
ROWS = "JSONCompactEachRowWithNamesAndTypes"
PASSWORD = "ASSAY_CLICKHOUSE_PASSWORD"
CLUSTER = "cluster"  # the part of an address that names one
_WIDE = Context(prec=76)


class Transport(Protocol):
    """Where ClickHouse is. Errors are MachineError, in one line."""

    def run(self, sql: str, params: Mapping[str, Any], what: str, form: str = ROWS) -> bytes:
        """Run a statement; its answer in one of ClickHouse's formats."""
        ...

    def insert(self, table: str, file: Path, what: str) -> None:
        """Put the rows of a Parquet file of this machine into a table."""
        ...

    def aside(self, sql: str, what: str) -> None:
        """Run a statement while another one runs."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Local:
    """ClickHouse's engine inside this process: the stand-in for a server. What it holds ends with the process."""

    address = ":memory:"
    settings: Mapping[str, int | str] = SETTINGS
    _connection: Any = None
    _second: Any = None

    def run(self, sql: str, params: Mapping[str, Any], what: str, form: str = ROWS) -> bytes:
        """Run a statement; its answer in one of ClickHouse's formats."""
        cls = type(self)
        if cls._connection is None:
            try:
                import chdb  # type: ignore[import-untyped,unused-ignore]
            except ImportError as error:
                raise MachineError("without a server, ClickHouse needs the package chdb: pip install chdb") from error
            cls._connection = chdb.connect(self.address)  # type: ignore[no-untyped-call,unused-ignore]
            for name, value in self.settings.items():
                cls._connection.query(schema.one("clickhouse", "set", name=name, value=f"'{value}'"))
        try:
            bound = {name: _bound(value) for name, value in params.items()}
            return bytes(cls._connection.query(sql, form, params=bound).bytes() or b"")
        except RuntimeError as error:
            raise _said(what, error) from error

    def insert(self, table: str, file: Path, what: str) -> None:
        """Put the rows of a Parquet file of this machine into a table."""
        self.run(schema.one("clickhouse", "take_in", table=table, path=f"'{str(file).translate(_QUOTES)}'"), {}, what)

    def aside(self, sql: str, what: str) -> None:
        """Run a statement while another one runs: a connection has one at a time."""
        cls = type(self)
        if cls._connection is None:
            return  # nothing runs
        if cls._second is None:
            import chdb

            cls._second = chdb.connect(self.address)  # type: ignore[no-untyped-call,unused-ignore]
        try:
            cls._second.query(sql)
        except RuntimeError as error:
            raise _said(what, error) from error

    def close(self) -> None:
        """It stays for the others of this process."""


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"})
_QUOTES = _ESCAPES | str.maketrans({"'": "\\'"})


def _bound(value: Any) -> Any:
    """A value as the engine reads it: texts with their escapes, lists as it writes them."""
    if isinstance(value, list):
        return "[" + ",".join(f"'{v.translate(_QUOTES)}'" if isinstance(v, str) else str(v) for v in value) + "]"
    return value.translate(_ESCAPES) if isinstance(value, str) else value


_SCHEMES = {"clickhouse": "http", "clickhouses": "https"}


class Server:
    """A server by its address, ``clickhouse://user@host:8123/database`` (``clickhouses://`` over TLS).

    ``?cluster=…`` in it is not the client's matter. ``more``: further settings of every statement; ``seconds``: how
    long one may take that several servers do, which the first of them tells at its end only.
    """

    def __init__(self, address: str, more: Mapping[str, int | str] | None = None, seconds: int | None = None) -> None:
        self.address, self.settings, self.seconds = address, {**SETTINGS, **(more or {})}, seconds
        self._client: Any = None

    def run(self, sql: str, params: Mapping[str, Any], what: str, form: str = ROWS) -> bytes:
        """Run a statement; its answer in one of ClickHouse's formats."""
        with _errors(what, self.address):
            client = self._connected()
            if re.match(r"\s*(SELECT|WITH|EXPLAIN|SHOW|DESCRIBE)", sql, re.IGNORECASE):
                return bytes(client.raw_query(sql, parameters=dict(params), fmt=form))
            # Else the answer begins before the statement has ended, and why it failed is lost.
            client.command(sql, parameters=dict(params), settings={"wait_end_of_query": "1"} if self.seconds else None)
            return b""

    def insert(self, table: str, file: Path, what: str) -> None:
        """Put the rows of a Parquet file of this machine into a table."""
        with _errors(what, self.address), file.open("rb") as rows:
            self._connected().raw_insert(table, insert_block=rows, fmt="Parquet")

    def aside(self, sql: str, what: str) -> None:
        """Run a statement while another one runs: requests know nothing of each other."""
        self.run(sql, {}, what)

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Any:
        if self._client is None:
            try:
                import clickhouse_connect
            except ImportError as error:
                raise MachineError(
                    "the clickhouse engine needs the package clickhouse-connect: pip install 'assay[clickhouse]'"
                ) from error
            logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # what it says stands in our error
            parts = urlsplit(self.address)  # its database may have to be made first, and every table is named with it
            rest = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name != CLUSTER])
            self._client = clickhouse_connect.get_client(
                dsn=parts._replace(scheme=_SCHEMES[parts.scheme], path="", query=rest).geturl(),
                password=os.environ.get(PASSWORD, ""), settings=dict(self.settings), autogenerate_session_id=False,
                send_receive_timeout=self.seconds or 300,
            )  # fmt: skip
        return self._client


@contextmanager
def _errors(what: str, address: str) -> Iterator[None]:
    """A server's errors as errors of the one tree."""
    try:
        yield
    except Exception as error:
        if reason := _unreached(error):
            raise MachineError(
                f"{shown(address)}: no ClickHouse answers there ({reason}); is it running, and is the address right?"
                " It takes HTTP, on port 8123 or, over TLS (clickhouses://), 8443"
            ) from error
        if "AUTHENTICATION_FAILED" in str(error) or "REQUIRED_PASSWORD" in str(error):
            raise MachineError(
                f"{shown(address)}: ClickHouse refuses the user or the password; set {PASSWORD}"
            ) from error
        if type(error).__module__.startswith(("clickhouse_connect", "urllib3")):
            raise _said(what, error) from error
        raise


def _unreached(error: BaseException) -> str:
    """Why there was no connection; empty where there was one."""
    text = str(error)
    if "Max retries exceeded" not in text and "NewConnectionError" not in text:
        return ""
    for known in ("Connection refused", "timed out", "Failed to resolve", "certificate", "SSL"):
        if known.lower() in text.lower():
            return {"Failed to resolve": "no such host", "SSL": "no TLS there"}.get(known, known.lower())
    return "no connection"


def _said(what: str, error: BaseException) -> MachineError:
    if "QUERY_WAS_CANCELLED" in str(error):
        return MachineError(f"{what}: broken off")
    return MachineError(f"{what}: ClickHouse says: {' '.join(str(error).split())[:400]}")


def text_of(value: Any) -> Any:
    """A bound value as ClickHouse takes it."""
    if isinstance(value, list | tuple):
        return [text_of(v) for v in value]
    return str(value) if isinstance(value, Decimal | date) else value


def result_of(said: bytes) -> Result:
    """Rows in the format ``ROWS``, values in Python's types."""
    if not said:
        return Result((), [])
    lines = said.decode().rstrip("\n").split("\n")  # not splitlines: a value may hold other line separators of Unicode
    names, types = json.loads(lines[0]), json.loads(lines[1])
    readers = [_reader(kind) for kind in types]
    rows = [
        tuple(None if v is None else read(v) for v, read in zip(json.loads(line), readers, strict=True))
        for line in lines[2:]
    ]
    return Result(tuple(names), rows)


def _reader(kind: str) -> Any:
    """Turns a JSON value into Python's type of it."""
    while kind.startswith(("Nullable(", "LowCardinality(")):
        kind = kind.split("(", 1)[1][:-1]
    if kind.startswith("Decimal"):
        scale = Decimal(1).scaleb(-int(kind[:-1].split(",")[1]))
        if scale == 1:
            return int
        return lambda v: Decimal(str(v)).quantize(scale, context=_WIDE)
    if kind.startswith("DateTime"):
        return datetime.fromisoformat
    if kind.startswith("Date"):
        return date.fromisoformat
    if kind.startswith("Float"):
        return float
    if kind.startswith("Array("):
        inner = _reader(kind[6:-1])
        return lambda v: [None if one is None else inner(one) for one in v]
    return lambda v: v
