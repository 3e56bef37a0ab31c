-- Ends a commit whose rows are not those that the plan counted on: the caller's state does not match the tables.
CREATE OR REPLACE FUNCTION assert_rows(p_step text, p_expected integer, p_found bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_found IS DISTINCT FROM p_expected THEN
        RAISE EXCEPTION USING ERRCODE = 'UT001',
            MESSAGE = format('%s: %s rows expected, %s found', p_step, p_expected, p_found);
    END IF;
END $$;
