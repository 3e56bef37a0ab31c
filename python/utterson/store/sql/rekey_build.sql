-- Commits go on meanwhile.
CREATE UNIQUE INDEX CONCURRENTLY identifiers_by_profile ON identifiers (workspace_key, profile, digest)
