-- Workspaces of some names, each with the policy in force.
SELECT w.workspace, w.workspace_key, w.digest_key, w.id_key, w.create_time_us, w.genesis_id, w.database_id, w.id_eras,
    p.policy_revision, p.policy, p.create_time_us AS policy_create_time_us
FROM workspaces AS w
CROSS JOIN LATERAL (
    SELECT policy_revision, policy, create_time_us FROM policies
    WHERE workspace_key = w.workspace_key ORDER BY policy_revision DESC LIMIT 1
) AS p
WHERE w.workspace = any($1::text[])
