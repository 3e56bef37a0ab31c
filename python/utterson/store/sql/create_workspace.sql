-- A workspace, its first policy and its genesis entry, in one statement; no row where the id is taken.
WITH made AS (
    INSERT INTO workspaces (workspace, digest_key, id_key, create_time_us)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (workspace) DO NOTHING
    RETURNING workspace_key
), policy AS (
    INSERT INTO policies (workspace_key, policy_revision, policy, seq, create_time_us)
    SELECT workspace_key, 1, $5, 0, $4 FROM made
), genesis AS (
    INSERT INTO log (workspace_key, seq, id, prev, policy_revision, commit_time_us, state_hash, format_version)
    SELECT workspace_key, 0, $6, $7, 1, $4, $8, $9 FROM made
)
SELECT workspace_key FROM made
