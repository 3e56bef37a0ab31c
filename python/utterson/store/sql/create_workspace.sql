-- A workspace, its first policy and its genesis entry, in one statement; no key where the id is taken. Its time must be near
-- the database's, as that of every later entry.
WITH clock AS (
    SELECT abs(extract(epoch FROM clock_timestamp()) * 1000000 - $4::bigint) <= $11::bigint AS agrees
), made AS (
    INSERT INTO workspaces (workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id)
    SELECT $1::text, $10::bigint, $2::bytea, $3::bytea, $4::bigint, $6::bytea, d.id
    FROM clock, database_ids AS d WHERE clock.agrees ORDER BY d.number DESC LIMIT 1
    ON CONFLICT (workspace) DO NOTHING
    RETURNING workspace_key
), policy AS (
    INSERT INTO policies (workspace_key, policy_revision, policy, seq, create_time_us)
    SELECT workspace_key, 1, $5, 0, $4 FROM made
), genesis AS (
    INSERT INTO log (workspace_key, seq, id, prev, policy_revision, commit_time_us, state_hash, format_version)
    SELECT workspace_key, 0, $6, $7, 1, $4, $8, $9 FROM made
)
SELECT clock.agrees, (SELECT workspace_key FROM made) AS workspace_key FROM clock
