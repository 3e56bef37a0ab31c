-- Makes day partitions of the log's payload ahead, and tells how many. Days are days since 1970.
CREATE OR REPLACE FUNCTION payload_partitions_prepare(p_first_day integer, p_last_day integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_day integer;
    v_made integer := 0;
BEGIN
    -- Commits queue behind a lock that waits: rather try again another time.
    PERFORM set_config('lock_timeout', '250ms', true);
    FOR v_day IN p_first_day..p_last_day LOOP
        CONTINUE WHEN to_regclass(format('log_payload_day_%s', v_day)) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE log_payload_day_%s PARTITION OF log_payload FOR VALUES FROM (%s) TO (%s)',
                v_day, v_day * 86400000000, (v_day + 1) * 86400000000);
            v_made := v_made + 1;
        EXCEPTION WHEN check_violation OR duplicate_table THEN
            -- The default partition has rows of that day already, or another replica was first.
            NULL;
        END;
    END LOOP;
    RETURN v_made;
END $$;
