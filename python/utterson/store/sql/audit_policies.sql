-- Policies that are not as the log tells: its first entry of a revision is the one that made it, at the same time, and
-- where the effects of that entry are kept they hold the very bytes. Of the first policy the log has no effects.
SELECT count(*)
FROM (
    SELECT policy_revision, min(seq) AS seq, min(commit_time_us) AS commit_time_us
    FROM log WHERE workspace_key = $1 GROUP BY policy_revision
) AS l
FULL JOIN (SELECT * FROM policies WHERE workspace_key = $1) AS p USING (policy_revision)
LEFT JOIN log_payload AS k
    ON k.workspace_key = $1 AND k.seq = l.seq AND k.commit_time_us = l.commit_time_us
WHERE p.seq IS DISTINCT FROM l.seq
    OR p.create_time_us IS DISTINCT FROM l.commit_time_us
    OR position(p.policy IN k.payload) = 0
