-- A page of workspaces by id, each with the policy in force. Rows that begin beyond so many bytes are left out, but never
-- the second.
SELECT workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id, id_eras,
    policy_revision, policy, policy_create_time_us
FROM (
SELECT *, row_number() OVER page AS place, sum(octet_length(policy)) OVER page - octet_length(policy) AS begins
FROM (
SELECT w.workspace, w.workspace_key, w.digest_key, w.id_key, w.create_time_us, w.genesis_id, w.database_id, w.id_eras,
    p.policy_revision, p.policy, p.create_time_us AS policy_create_time_us
FROM workspaces AS w
CROSS JOIN LATERAL (
    SELECT policy_revision, policy, create_time_us FROM policies
    WHERE workspace_key = w.workspace_key ORDER BY policy_revision DESC LIMIT 1
) AS p
WHERE w.workspace > $1
ORDER BY w.workspace
LIMIT $2
) AS told
WINDOW page AS (ORDER BY workspace ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE begins < $3::bigint OR place <= 2
ORDER BY workspace
