-- A page of a workspace's policies, newest first.
SELECT policy_revision, policy, create_time_us
FROM policies
WHERE workspace_key = $1 AND policy_revision < $2
ORDER BY policy_revision DESC
LIMIT $3
