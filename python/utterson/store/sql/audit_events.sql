SELECT profile, time_us, seq, position, record FROM events WHERE workspace_key = $1
