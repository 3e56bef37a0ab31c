-- What never changes about a workspace while nothing of its history is lost.
SELECT workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id, id_eras
FROM workspaces WHERE workspace = $1
