-- A workspace is known by a random genesis id, not by its number: a copy of the database that was restored gives a number
-- again. See docs/decisions/0027-a-workspace-proves-itself.md.

-- Which database this is. A new id follows where a part of its history was lost; the signs are those of the day on which it
-- was given, and NULL until a server has looked.
CREATE TABLE database_ids (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id bytea NOT NULL UNIQUE CHECK (octet_length(id) = 16),
    system_identifier bigint,
    timeline bigint,
    database_oid bigint,
    begin_time timestamptz NOT NULL DEFAULT now()
);
INSERT INTO database_ids (id) VALUES (uuid_send(gen_random_uuid()));

-- Numbers are random from here on: whoever makes a workspace draws one.
ALTER TABLE workspaces
    ALTER COLUMN workspace_key DROP IDENTITY,
    -- The id of the log's first entry.
    ADD COLUMN genesis_id bytea CHECK (octet_length(genesis_id) = 16),
    -- The newest of database_ids: beside the genesis, so that one look at a row proves both.
    ADD COLUMN database_id bytea CHECK (octet_length(database_id) = 16),
    -- Where profile ids are numbered anew: each a random number times 2^32, and the first serial that it counts for.
    ADD COLUMN id_eras bigint[] NOT NULL DEFAULT '{}';
UPDATE workspaces AS w SET database_id = (SELECT id FROM database_ids), genesis_id = coalesce(
    (SELECT l.id FROM log AS l WHERE l.workspace_key = w.workspace_key AND l.seq = 0), uuid_send(gen_random_uuid())
);
ALTER TABLE workspaces ALTER COLUMN genesis_id SET NOT NULL, ALTER COLUMN database_id SET NOT NULL;

-- A build before this migration proves nothing: its commits end as those of an older log format do, and the workspaces that
-- it would make lack what must be there. What it reads goes on.
DROP FUNCTION IF EXISTS commit_batch(
    bigint, bigint, bytea, bytea, integer, bigint, bytea, integer, bytea,
    bigint_column, bigint_column, bigint_column, integer_column,
    bigint_column, bigint_column,
    bigint_column, uuid_column, bigint_column,
    bigint_column, uuid_column, bigint_column, text_column, text_column, text_column, bigint_column, integer_column,
    bigint_column, uuid_column, bigint_column, integer_column,
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
    bigint_column, uuid_column, bigint_column,
    bigint_column, uuid_column, bigint_column, text_column, text_column, text_column, bigint_column, integer_column,
    bigint_column, uuid_column, bigint_column, integer_column,
    bigint_column, text_column, bytea_column, bigint_column, integer_column,
    bigint_column, bigint_column, integer_column, bytea_column,
    bigint_column, integer_column, bytea_column,
    uuid_column, bytea_column, integer_column, bytea_column,
    integer_column, bytea_column
) RETURNS integer LANGUAGE sql AS 'SELECT 3';
-- function commit_batch a7b9ea6298a789081926743d705a3152
-- function database_look ec87d35dc36cb36e0b15cff2fe04a04c
-- function database_signs 6522bd419301c49670a64eae53f94923
-- function prove_workspace 6436435ce819f42c08533f5064de4563
-- function renew_database 2f564b96fcdafa0c4215f5944b5a9b9a
