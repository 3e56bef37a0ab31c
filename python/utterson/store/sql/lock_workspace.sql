-- Join the queue of the workspace's writers.
SELECT 1 FROM workspaces WHERE workspace_key = $1 AND genesis_id || database_id = $2 FOR NO KEY UPDATE
