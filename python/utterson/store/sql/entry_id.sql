-- Who is at this place of the chain?
SELECT id FROM log WHERE workspace_key = $1 AND seq = $2
