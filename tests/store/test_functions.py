"""Functions: one body each, brought by a migration that names it, whatever the database was before."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.store.older import migrate_up_to
from utterson.store import migrate as migrating
from utterson.store.migrate import migrate
from utterson.store.schema import Function, Migration, MigrationError, Schema, read_migrations, read_schema

FUNCTIONS = """
    SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' ORDER BY 1
"""
# The last migration that wrote a function's body itself.
BEFORE_ONE_BODY = 6


async def functions_of(database_url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(database_url)
    try:
        return [(row[0], row[1]) for row in await connection.fetch(FUNCTIONS)]
    finally:
        await connection.close()


def edited(schema: Schema) -> Schema:
    """The schema of a later build, in which a function has another body and a migration says so."""
    function = next(one for one in schema.functions if one.name == "assert_rows")
    changed = replace(function, sql=function.sql.replace("rows expected", "rows wanted"))
    assert changed != function
    version = len(schema.migrations) + 1
    naming = Migration(version, "other_body", f"-- function assert_rows {changed.digest}\n")
    functions = tuple(changed if one is function else one for one in schema.functions)
    return Schema((*schema.migrations, naming), functions)


async def test_a_new_database_and_an_older_one_have_the_same_functions(
    database_url: str, other_database_url: str
) -> None:
    await migrate(database_url)
    await migrate_up_to(other_database_url, BEFORE_ONE_BODY)
    before = await functions_of(other_database_url)
    assert await migrate(other_database_url) == list(range(BEFORE_ONE_BODY + 1, len(read_migrations()) + 1))
    after = await functions_of(other_database_url)
    assert after == await functions_of(database_url)
    # Servers of the build before find what they call: the same names and arguments, if only to be turned away.
    assert {name for name, body in before if "SELECT 3" not in body} <= {name for name, _ in after}


async def test_every_function_of_the_database_has_a_file_or_only_turns_older_builds_away(database_url: str) -> None:
    await migrate(database_url)
    functions = await functions_of(database_url)
    files = {function.name for function in read_schema().functions}
    assert files == {name.partition("(")[0] for name, _ in functions}
    bodies = [body for _, body in functions if "SELECT 3" not in body]
    assert len(bodies) == len(files)


async def test_an_edited_body_comes_once_and_stays(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(database_url)
    older = read_schema()
    later = edited(older)
    monkeypatch.setattr(migrating, "read_schema", lambda: later)
    both = await asyncio.gather(migrate(database_url), migrate(database_url))
    assert sorted(both) == [[], [len(later.migrations)]]
    functions = await functions_of(database_url)
    assert any("rows wanted" in body for _, body in functions)
    assert await migrate(database_url) == []

    monkeypatch.setattr(migrating, "read_schema", lambda: older)
    with pytest.raises(MigrationError, match="this build knows"):
        await migrate(database_url)
    assert await functions_of(database_url) == functions


def test_a_body_that_no_migration_names_is_refused() -> None:
    schema = read_schema()
    function = schema.functions[0]
    changed = Function(function.name, function.sql + "-- another\n")
    with pytest.raises(MigrationError, match=changed.digest):
        Schema(schema.migrations, (changed, *schema.functions[1:]))
