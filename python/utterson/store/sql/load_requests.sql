SELECT digest, fingerprint, commit_time_us, seq FROM requests WHERE workspace_key = $1 AND commit_time_us >= $2
