"""Writes test/reference/parquet: one table as Apache Arrow writes it, in every way that we read, and what is in it.

Run by hand; tests need no Python: a venv with `pip install pyarrow==26.0.1 numpy`, then this script and `npx biome check --write test/reference`.
"""
import datetime
import decimal
import json
import pathlib
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 60
FOLDER = pathlib.Path(__file__).parent / "parquet"
EPOCH = datetime.date(1970, 1, 1)
random.seed(7)


def column(make, kind=None):
    return pa.array([None if random.random() < 0.1 else make() for _ in range(ROWS)], kind)


table = pa.table(
    {
        "int8": column(lambda: random.randint(-128, 127), pa.int8()),
        "int32": column(lambda: random.randint(-(2**31), 2**31 - 1), pa.int32()),
        "uint32": column(lambda: random.randint(0, 2**32 - 1), pa.uint32()),
        "int64": column(lambda: random.randint(-(2**62), 2**62), pa.int64()),
        "uint64": column(lambda: random.randint(0, 2**64 - 1), pa.uint64()),
        "float16": pa.array(np.random.RandomState(7).randn(ROWS).astype(np.float16)),
        "float": column(lambda: random.gauss(0, 1), pa.float32()),
        "double": column(lambda: random.gauss(0, 1e5), pa.float64()),
        "flag": column(lambda: random.random() < 0.3, pa.bool_()),
        "date": column(lambda: EPOCH + datetime.timedelta(days=random.randint(-3000, 20000)), pa.date32()),
        "ms": column(lambda: random.randint(-(10**12), 2 * 10**12), pa.timestamp("ms")),
        "us": column(lambda: random.randint(-(10**15), 2 * 10**15), pa.timestamp("us")),
        "ns": column(lambda: random.randint(-(10**18), 2 * 10**18), pa.timestamp("ns")),
        "decimal5": column(lambda: decimal.Decimal(random.randint(-99999, 99999)).scaleb(-2), pa.decimal128(5, 2)),
        "decimal18": column(lambda: decimal.Decimal(random.randint(-(10**17), 10**17)).scaleb(-9), pa.decimal128(18, 9)),
        "decimal38": column(lambda: decimal.Decimal(random.randint(-(10**28), 10**28)).scaleb(-8), pa.decimal128(38, 8)),
        "city": column(lambda: random.choice(["Oslo", "Bern", "Zürich, Süd", 'Ulm "old"'])),
        "label": pa.array([random.choice(["some", "many"]) for _ in range(ROWS)]),
    }
)


def meanings(name):
    """Numbers as float64, dates in milliseconds since 1970, rounded down."""
    values, kind = table[name], table[name].type
    if pa.types.is_timestamp(kind):
        by = {"ms": 1, "us": 10**3, "ns": 10**6}[kind.unit]
        return [None if v is None else v // by for v in values.cast(pa.int64()).to_pylist()]
    if pa.types.is_date(kind):
        return [None if v is None else (v - EPOCH).days * 86_400_000 for v in values.to_pylist()]
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or kind == pa.float16():
        return [None if v is None else float(v) for v in values.to_pylist()]
    return values.to_pylist()


DELTAS = {name: "DELTA_BINARY_PACKED" for name in ["int32", "uint32", "int64", "uint64", "date", "ms", "us", "ns"]}
STREAMS = {name: "BYTE_STREAM_SPLIT" for name in ["float", "double", "float16", "decimal38"]}
TEXTS = {"city": "DELTA_BYTE_ARRAY", "label": "DELTA_LENGTH_BYTE_ARRAY", "flag": "RLE"}

FOLDER.mkdir(exist_ok=True)
(FOLDER / "values.json").write_text(json.dumps({name: meanings(name) for name in table.column_names}) + "\n")
WAYS = {
    "none": dict(compression="none", write_page_checksum=True),
    "snappy": dict(compression="snappy", row_group_size=25),
    "gzip": dict(compression="gzip", data_page_version="2.0", write_page_checksum=True),
    "brotli": dict(compression="brotli"),
    "zstd": dict(compression="zstd", data_page_version="2.0"),
    "lz4": dict(compression="lz4"),
    "small-pages": dict(data_page_size=64, write_batch_size=8, data_page_version="2.0"),
    "plain": dict(use_dictionary=False, data_page_size=256, write_batch_size=16),
    "encodings": dict(use_dictionary=False, column_encoding={**DELTAS, **STREAMS, **TEXTS}, row_group_size=40),
    "encodings-2": dict(use_dictionary=False, column_encoding={**DELTAS, **STREAMS, **TEXTS}, data_page_version="2.0"),
    "int96": dict(use_deprecated_int96_timestamps=True),
    "decimal-integers": dict(store_decimal_as_integer=True),
}
for name, options in WAYS.items():
    pq.write_table(table, FOLDER / f"{name}.parquet", **options)

NESTED = pa.table({"a": [1.0, 2.0], "tags": [["x"], ["y", "z"]], "label": ["p", "q"]})
pq.write_table(NESTED, FOLDER / "nested.parquet")
pq.write_table(pa.table({"a": [1.0, 2.0], "at": pa.array([1, 2], pa.time64("us")), "label": ["p", "q"]}), FOLDER / "time.parquet")
