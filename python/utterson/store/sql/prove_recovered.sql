-- A commit that writes no row; as every other it waits for a synchronous standby, and so for all that was written before.
SELECT pg_logical_emit_message(true, 'utterson', '')
