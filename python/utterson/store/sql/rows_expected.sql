-- About how many rows a load will bring. Serials have no gaps, so the last one counts the workspace's profiles; what
-- hangs on them is taken to be spread over the workspaces as profiles are. NULL where a table was never analysed.
SELECT (p.serial * (1 + (sum(c.reltuples) FILTER (WHERE c.relname <> 'profiles'))
    / nullif(sum(c.reltuples) FILTER (WHERE c.relname = 'profiles'), 0)))::bigint
FROM pg_class AS c
CROSS JOIN (SELECT serial FROM profiles WHERE workspace_key = $1 ORDER BY serial DESC LIMIT 1) AS p
WHERE c.oid IN ('profiles'::regclass, 'identifiers'::regclass, 'traits'::regclass)
GROUP BY p.serial
HAVING min(c.reltuples) >= 0
