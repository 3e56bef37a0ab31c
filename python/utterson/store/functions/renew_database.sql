-- Gives the database a new id, and the profile ids of each workspace a new era, where a part of its history was lost. See
-- docs/decisions/0027-a-workspace-proves-itself.md.
--
-- Nothing happens where another server did it since: where p_seen_id, which the caller knew, was followed by another id.
-- p_lost says that the caller saw the loss itself; else the signs decide, or that p_seen_id is not known here. Who has
-- nothing to add locks nothing.
CREATE OR REPLACE FUNCTION renew_database(p_seen_id bytea, p_lost boolean) RETURNS bytea
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_newest database_ids;
    v_signs record;
    v_id bytea := uuid_send(gen_random_uuid());
BEGIN
    FOR v_try IN 1..2 LOOP
        IF v_try = 2 THEN
            -- Waits for the commits under way and keeps further ones waiting: they find the new id, and are refused.
            LOCK TABLE workspaces IN EXCLUSIVE MODE;
        END IF;
        SELECT * INTO v_newest FROM database_ids ORDER BY number DESC LIMIT 1;
        SELECT * INTO v_signs FROM database_signs();
        IF v_try = 2 AND v_newest.database_oid IS NULL THEN
            UPDATE database_ids SET system_identifier = v_signs.system_identifier, timeline = v_signs.timeline,
                database_oid = v_signs.database_oid WHERE number = v_newest.number RETURNING * INTO v_newest;
        END IF;
        IF (v_newest.system_identifier = v_signs.system_identifier) IS NOT FALSE
            AND (v_newest.timeline = v_signs.timeline) IS NOT FALSE
            AND v_newest.database_oid = v_signs.database_oid
            AND (p_seen_id IS NULL OR EXISTS (SELECT FROM database_ids WHERE id = p_seen_id))
            AND NOT (p_lost AND v_newest.id IS NOT DISTINCT FROM p_seen_id)
        THEN
            RETURN v_newest.id;
        END IF;
    END LOOP;
    -- An id that went with the lost history is put back, as one that another followed: many lanes may come with it.
    INSERT INTO database_ids (id) SELECT p_seen_id WHERE p_seen_id IS NOT NULL ON CONFLICT (id) DO NOTHING;
    INSERT INTO database_ids (id, system_identifier, timeline, database_oid)
        VALUES (v_id, v_signs.system_identifier, v_signs.timeline, v_signs.database_oid);
    -- An era: a random number that the workspace has not had, above the serial of the first profile that it counts for.
    UPDATE workspaces AS w SET database_id = v_id, id_eras = w.id_eras || (
        SELECT (n.number << 32) + 1 + coalesce((
            SELECT p.serial FROM profiles AS p WHERE p.workspace_key = w.workspace_key ORDER BY p.serial DESC LIMIT 1
        ), 0)
        FROM (
            SELECT 1 + floor(random() * 1048575)::bigint AS number
            FROM generate_series(1, 16 + 2 * cardinality(w.id_eras))
        ) AS n
        WHERE NOT EXISTS (SELECT FROM unnest(w.id_eras) AS e (era) WHERE e.era >> 32 = n.number)
        LIMIT 1
    );
    RETURN v_id;
END $$;
