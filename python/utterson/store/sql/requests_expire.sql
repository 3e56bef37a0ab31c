-- Forget a small batch of request ids; rows in use by a commit are left for the next time.
DELETE FROM requests WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM requests WHERE commit_time_us < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
))
