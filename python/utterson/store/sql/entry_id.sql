-- The id of the entry that has this number in the chain.
SELECT id FROM log WHERE workspace_key = $1 AND seq = $2
