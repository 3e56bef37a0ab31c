-- A page of a workspace's policies, newest first.
SELECT p.policy_revision, p.policy, p.create_time_us
FROM prove_workspace($1, $4) AS w (workspace_key)
CROSS JOIN LATERAL (
    SELECT policy_revision, policy, create_time_us FROM policies
    WHERE workspace_key = w.workspace_key AND policy_revision < $2
    ORDER BY policy_revision DESC
    LIMIT $3
) AS p
ORDER BY p.policy_revision DESC
