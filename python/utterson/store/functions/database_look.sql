-- Tells which database this is, what shows that it is an older state or a copy of the one that was meant, and how far its
-- log is. An empty sign means that nothing does; 'new' that nobody has looked before.
CREATE OR REPLACE FUNCTION database_look(p_known_id bytea, OUT id bytea, OUT sign text, OUT wal_bytes bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_newest database_ids;
    v_signs record;
BEGIN
    SELECT * INTO v_newest FROM database_ids ORDER BY number DESC LIMIT 1;
    SELECT * INTO v_signs FROM database_signs();
    id := v_newest.id;
    sign := CASE
        WHEN v_newest.database_oid IS NULL THEN 'new'
        WHEN v_newest.system_identifier <> v_signs.system_identifier THEN 'another cluster'
        WHEN v_newest.timeline <> v_signs.timeline THEN 'another timeline'
        WHEN v_newest.database_oid <> v_signs.database_oid THEN 'a copy of the database'
        WHEN p_known_id IS NOT NULL AND NOT EXISTS (SELECT FROM database_ids AS d WHERE d.id = p_known_id)
            THEN 'an older state of the database'
        ELSE ''
    END;
    IF NOT pg_is_in_recovery() THEN
        wal_bytes := (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint;
    END IF;
END $$;
