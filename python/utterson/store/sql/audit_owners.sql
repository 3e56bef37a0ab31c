-- Identifiers that several profiles hold, each for itself alone.
SELECT count(*) FROM (
    SELECT FROM identifiers WHERE workspace_key = $1 AND slot = 0 GROUP BY digest HAVING count(*) > 1
) AS several
