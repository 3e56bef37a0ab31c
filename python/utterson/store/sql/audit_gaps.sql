-- Numbers below the newest profile's that no profile has.
SELECT coalesce(max(serial), 0) - count(*) FROM profiles WHERE workspace_key = $1
