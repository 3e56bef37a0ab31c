"""What a failure proves: certain is only what is on the list, and only where Postgres said that it rolled back."""

import asyncio
import string
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.conftest import Chain, created
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.store import sqlstate
from utterson.store.open_store import Store
from utterson.store.sqlstate import classify, unsent

# Written down once more, by what each class is about: https://www.postgresql.org/docs/current/errcodes-appendix.html.
# Each was thought about for whether it can come of a transaction whose commit record is written.
CERTAIN_CLASSES = {"0A", "22", "23", "25", "3F", "42", "53", "54", "55", "P0"}
CERTAIN_STATES = {"UT001", "UT002", "40001", "40P01", "58030", "58P01", "XX001", "XX002"}
UNCERTAIN = {"08006", "08P01", "28000", "28P01", "3D000", "40003", "57014", "57P01", "57P02", "57P03", "57P05", "58000"}
SEVERITIES = ["ERROR", "FATAL", "PANIC", "WARNING", "LOG", None]
STATES = st.text(string.ascii_uppercase + string.digits, min_size=5, max_size=5)


def said(state: str, severity: str | None = "ERROR") -> BaseException:
    """Make the error that the driver raises of what Postgres says."""
    fields = {"C": state, "M": "ed.hyde@example.com"} | ({} if severity is None else {"S": "FEHLER", "V": severity})
    error: BaseException = asyncpg.PostgresError.new(fields)
    return error


def may_be_certain(state: str, severity: str | None) -> bool:
    if (state, severity) == ("22000", None):
        return True  # the driver's own word for a value that it cannot encode: it was never sent
    return severity == "ERROR" and (state[:2] in CERTAIN_CLASSES or state in CERTAIN_STATES)


@given(state=STATES, severity=st.sampled_from(SEVERITIES))
def test_an_unknown_state_is_never_certain(state: str, severity: str | None) -> None:
    failure = classify(said(state, severity))
    assert failure.wrote_nothing is may_be_certain(state, severity)
    assert failure.code == state


KNOWN = sorted({kind.sqlstate for kind in vars(asyncpg).values() if getattr(kind, "sqlstate", None)})


@pytest.mark.parametrize("state", [*KNOWN, *UNCERTAIN, "XX000", "UT999", ""])
def test_every_state_that_the_driver_knows(state: str) -> None:
    for severity in SEVERITIES:
        assert classify(said(state, severity)).wrote_nothing is may_be_certain(state, severity)


def test_there_is_nothing_certain_that_was_not_thought_about() -> None:
    assert {state for state in UNCERTAIN if may_be_certain(state, "ERROR")} == set()
    assert len(KNOWN) > 200


DRIVERS_OWN = [
    asyncpg.ConnectionDoesNotExistError("x"),
    asyncpg.InterfaceError("x"),
    asyncpg.InternalClientError("x"),
    asyncpg.PostgresError("x"),
    ConnectionResetError("x"),
    TimeoutError(),
    ValueError("x"),
]


@pytest.mark.parametrize("error", DRIVERS_OWN, ids=lambda error: type(error).__name__)
def test_what_the_driver_says_by_itself_is_unknown_once_sent_and_certain_before(error: BaseException) -> None:
    assert classify(error).kind is FailureKind.UNKNOWN
    assert unsent(error).kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize("state", ["28P01", "3D000", "53300", "57P03", "42501"])
def test_a_refused_login_is_certain_and_keeps_its_code(state: str) -> None:
    failure = unsent(said(state, "FATAL"))
    assert (failure.kind, failure.code) == (FailureKind.UNREACHABLE, state)
    assert "hyde" not in str(failure)


async def failure_of(chain: Chain) -> StoreFailureError:
    with pytest.raises(StoreFailureError) as caught:
        await chain.send(chain.entry(created(1)))
    return caught.value


async def execute(url: str, *statements: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetch(statement) for statement in statements]
    finally:
        await connection.close()


# What an operator can do to a database, and what it makes of a commit.
MISHAPS = {
    "a table is gone": ("ALTER TABLE log RENAME TO gone", "42P01"),
    "the function is gone": (
        "DO $$DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE proname = 'commit_batch'"
        " LOOP EXECUTE format('DROP FUNCTION %s', f); END LOOP; END$$",
        "42883",
    ),
    "a trigger says no": (
        "CREATE FUNCTION says_no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END$$;"
        " CREATE TRIGGER says_no BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION says_no()",
        "P0001",
    ),
    "a trigger says no when the transaction ends": (
        "CREATE FUNCTION says_no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END$$;"
        " CREATE CONSTRAINT TRIGGER says_no AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION says_no()",
        "53100",
    ),
}


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_what_is_certain_wrote_nothing(chain: Chain, database_url: str, mishap: str) -> None:
    statement, state = MISHAPS[mishap]
    connection = await asyncpg.connect(database_url)
    await connection.execute(statement)
    await connection.close()
    failure = await failure_of(chain)
    assert failure.code == state
    assert failure.wrote_nothing
    ((left,),) = await execute(database_url, "SELECT count(*) AS n FROM profiles")
    assert left["n"] == 0


async def test_a_read_only_database_is_certain(chain: Chain, database_url: str) -> None:
    await chain.append()
    name = (await execute(database_url, "SELECT current_database() AS name"))[0][0]["name"]
    await execute(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await cut_all(database_url)
    await asyncio.sleep(0.1)
    failure = await failure_of(chain)
    assert (failure.kind, failure.code) == (FailureKind.REFUSED, "25006")


async def test_a_backend_that_is_ended_is_unknown(chain: Chain, store: Store, database_url: str) -> None:
    holder = await asyncpg.connect(database_url)
    async with holder.transaction():
        await holder.execute("SELECT FROM workspaces FOR UPDATE")
        sending = asyncio.ensure_future(chain.send(chain.entry(created(1))))
        await asyncio.sleep(0.2)
        await cut_all(database_url, "AND wait_event_type = 'Lock'")
        with pytest.raises(StoreFailureError) as caught:
            await sending
    await holder.close()
    assert caught.value.kind is FailureKind.UNKNOWN


async def cut_all(url: str, which: str = "") -> None:
    await execute(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND pid <> pg_backend_pid() {which}",
    )


def test_the_list_asks_for_the_severity_of_what_was_rolled_back() -> None:
    assert sqlstate.CERTAIN_SEVERITY == "ERROR"
