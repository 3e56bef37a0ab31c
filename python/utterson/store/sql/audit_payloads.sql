-- Entries of the log whose effects are gone though those of an older one are kept. Commit times rise, so what is dropped
-- by age is dropped from the beginning.
SELECT count(*) FROM log AS l
WHERE l.workspace_key = $1
    AND l.seq > (SELECT min(k.seq) FROM log_payload AS k WHERE k.workspace_key = $1)
    AND NOT EXISTS (
        SELECT FROM log_payload AS p
        WHERE p.workspace_key = $1 AND p.seq = l.seq AND p.commit_time_us = l.commit_time_us
    )
