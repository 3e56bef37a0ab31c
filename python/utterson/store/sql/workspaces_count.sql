SELECT count(*) FROM (SELECT 1 FROM workspaces LIMIT $1) AS few
