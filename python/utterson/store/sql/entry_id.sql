-- The id of the entry that has this number in the chain. By the genesis alone: an entry is known by its id wherever it is.
SELECT id FROM log
WHERE workspace_key = $1 AND seq = $2
    AND EXISTS (SELECT FROM workspaces WHERE workspace_key = $1 AND genesis_id = $3)
