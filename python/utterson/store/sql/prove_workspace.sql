-- Fails unless the workspace is still the one that is meant.
SELECT prove_workspace($1, $2)
