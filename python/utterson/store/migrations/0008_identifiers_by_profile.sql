-- Identifiers are looked for through the index in memory, which knows the profile: with the profile first in the key,
-- rows of new profiles lie at its end. See docs/decisions/0019-rows-where-they-are-looked-for.md.
--
-- Only the key of an empty table is changed here. Where there are rows, commit_batch goes by the key of migration 1 until
-- a server has built the other one beside it and put it in its place (store/rekeying.py).
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM identifiers) THEN
        ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey,
            ADD CONSTRAINT identifiers_pkey PRIMARY KEY (workspace_key, profile, digest);
    END IF;
END $$;

-- A build before this migration names no profile: its commits end as those of an older log format do.
DROP FUNCTION commit_batch(
    bigint, bigint, bytea, bytea, integer, bigint, bytea, integer, bytea,
    bigint_column, bigint_column, bigint_column, integer_column,
    bigint_column, bigint_column,
    uuid_column, bigint_column,
    uuid_column, bigint_column, bigint_column, text_column, text_column, text_column, bigint_column, integer_column,
    uuid_column, bigint_column, integer_column,
    bigint_column, text_column, bytea_column, bigint_column, integer_column,
    bigint_column, bigint_column, integer_column, bytea_column,
    bigint_column, integer_column, bytea_column,
    uuid_column, bytea_column, integer_column, bytea_column,
    integer_column, bytea_column
);
CREATE FUNCTION commit_batch(
    bigint, bigint, bytea, bytea, integer, bigint, bytea, integer, bytea,
    bigint_column, bigint_column, bigint_column, integer_column,
    bigint_column, bigint_column,
    uuid_column, bigint_column,
    uuid_column, bigint_column, bigint_column, text_column, text_column, text_column, bigint_column, integer_column,
    uuid_column, bigint_column, integer_column,
    bigint_column, text_column, bytea_column, bigint_column, integer_column,
    bigint_column, bigint_column, integer_column, bytea_column,
    bigint_column, integer_column, bytea_column,
    uuid_column, bytea_column, integer_column, bytea_column,
    integer_column, bytea_column
) RETURNS integer LANGUAGE sql AS 'SELECT 3';

-- What migration 5 left for builds before it takes as many arguments as the new body, and a call could mean either. The
-- first build that was released is a later one.
DROP FUNCTION commit_batch(
    bigint, bigint, bytea, bytea, integer, bigint, bytea, integer, bytea,
    bigint_column, bigint_column, bigint_column, integer_column,
    bigint_column, bigint_column, bigint_column, integer_column,
    bytea_column, bigint_column,
    bytea_column, bigint_column, bigint_column, text_column, text_column, text_column, bigint_column, integer_column,
    bytea_column, bigint_column, integer_column,
    bigint_column, text_column, bytea_column, bigint_column, integer_column,
    bigint_column, bigint_column, integer_column, bytea_column,
    bigint_column, integer_column, bytea_column,
    bytea_column, bytea_column, integer_column, bytea_column,
    integer_column, bytea_column
);
-- function commit_batch 84f69b271a1818cbfcc894571e1e33fe
