-- Drops the day partitions of the log's payload before a day, and tells how many. Days are days since 1970.
CREATE OR REPLACE FUNCTION payload_partitions_drop(p_before_day integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_partition record;
    v_dropped integer := 0;
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    FOR v_partition IN
        SELECT c.oid::regclass AS name, substring(c.relname FROM '^log_payload_day_([0-9]+)$')::integer AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'log_payload'::regclass AND c.relname ~ '^log_payload_day_[0-9]+$'
    LOOP
        IF v_partition.day < p_before_day THEN
            EXECUTE format('DROP TABLE %s', v_partition.name);
            v_dropped := v_dropped + 1;
        END IF;
    END LOOP;
    RETURN v_dropped;
END $$;
