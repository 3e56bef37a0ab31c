"""The core's list of columns, the function's arguments and the statement's placeholders are of one mind."""

import re

import asyncpg

from utterson import _core
from utterson.store.migrate import migrate
from utterson.store.schema import read_schema
from utterson.store.statements import Statement

# The entry itself, before the columns.
ENTRY = [
    ("p_workspace_key", "bigint"),
    ("p_seq", "bigint"),
    ("p_id", "bytea"),
    ("p_prev", "bytea"),
    ("p_policy_revision", "integer"),
    ("p_commit_time_us", "bigint"),
    ("p_state_hash", "bytea"),
    ("p_format_version", "integer"),
    ("p_payload", "bytea"),
]
# What it is held against, after the columns.
PROOF = [("p_identity", "bytea"), ("p_clock_skew_us_max", "bigint")]
ARGUMENTS = """
    SELECT a.name, format_type(a.type, NULL)
    FROM pg_proc p, unnest(p.proargnames, p.proargtypes::oid[]) AS a (name, type)
    WHERE p.proname = 'commit_batch' AND p.proargnames IS NOT NULL
"""


async def test_the_function_takes_the_columns_of_the_core(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    found = [(row[0], row[1]) for row in await connection.fetch(ARGUMENTS)]
    await connection.close()
    columns = [(f"p_{name}", f"{element}_column") for name, element in _core.COMMIT_COLUMNS]
    assert found == ENTRY + columns + PROOF


def test_the_statement_has_a_place_for_each() -> None:
    count = len(ENTRY) + len(_core.COMMIT_COLUMNS) + len(PROOF)
    places = [int(place) for place in re.findall(r"\$(\d+)", Statement.COMMIT_BATCH.text)]
    assert places == list(range(1, count + 1))


def test_a_request_id_is_kept_as_long_as_the_core_knows_it() -> None:
    (body,) = [function.sql for function in read_schema().functions if function.name == "commit_batch"]
    assert re.findall(r"p_commit_time_us - (\d+)", body) == [str(_core.REQUEST_RETENTION_US)]
