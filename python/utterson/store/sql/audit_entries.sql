-- Entries of the log that do not follow the one before, by number and identity.
SELECT count(*) FROM (
    SELECT seq, prev, lag(seq) OVER w AS seq_before, lag(id) OVER w AS id_before
    FROM log WHERE workspace_key = $1 WINDOW w AS (ORDER BY seq)
) AS e
WHERE (seq_before IS NULL AND seq <> 0) OR seq_before <> seq - 1 OR id_before <> prev
