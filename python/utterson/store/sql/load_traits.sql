SELECT profile, name, value, time_us, seq, position FROM traits WHERE workspace_key = $1
