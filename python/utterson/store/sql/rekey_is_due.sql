-- Whether identifiers have another key than that of migration 8.
SELECT pg_get_constraintdef(oid) <> 'PRIMARY KEY (workspace_key, profile, digest)'
FROM pg_constraint WHERE conrelid = 'identifiers'::regclass AND contype = 'p'
