-- Which entry put an identifier onto its profile; NULL for those that were put there before. No row is written for it.
ALTER TABLE identifiers ADD COLUMN added_seq bigint;
-- function commit_batch 11f21de198f05ae64a1f88b146a60fb0
