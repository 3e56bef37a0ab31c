-- Appends one entry to the log and writes its effects: the one statement that writes, all or nothing. See
-- docs/decisions/0003-commit-protocol.md. Answers 0 = ok, 1 = lost, 2 = diverged, 3 = fenced, 4 = gone, 5 = clocks apart.
--
-- The columns hold the net effects of a batch; an empty one means nothing to do. Their list is that of
-- rust_core/codec/src/columns.rs, and a test holds the two equal.
--
-- Rows that are there are found by their whole key even where the plan was made for a table of a few rows: kept, it
-- would read the whole workspace as that grows. The planner takes an array for ten rows, and one walk over a small
-- workspace for cheaper than ten look-ups; behind LIMIT it takes the array for one row.
--
-- A row of identifiers is looked for by its profile, digest and slot: either key leads to it, that of migration 1 and the
-- one that takes its place while servers commit. See docs/decisions/0019-rows-where-they-are-looked-for.md.
CREATE OR REPLACE FUNCTION commit_batch(
    p_workspace_key bigint, p_seq bigint, p_id bytea, p_prev bytea, p_policy_revision integer,
    p_commit_time_us bigint, p_state_hash bytea, p_format_version integer, p_payload bytea,
    p_created_serials bigint_column, p_created_create_time_us bigint_column, p_created_source bigint_column,
    p_created_merges integer_column,
    p_loser_serials bigint_column, p_loser_merged_into bigint_column,
    p_detached_profiles bigint_column, p_detached_digests uuid_column, p_detached_slots bigint_column,
    p_attached_profiles bigint_column, p_attached_digests uuid_column, p_attached_slots bigint_column,
    p_attached_types text_column,
    p_attached_normalized text_column, p_attached_raw text_column,
    p_attached_added_us bigint_column, p_attached_seen_day integer_column,
    p_seen_profiles bigint_column, p_seen_digests uuid_column, p_seen_slots bigint_column,
    p_seen_days integer_column,
    p_trait_profiles bigint_column, p_trait_names text_column, p_trait_values bytea_column, p_trait_time_us bigint_column,
    p_trait_positions integer_column,
    p_event_profiles bigint_column, p_event_time_us bigint_column, p_event_positions integer_column,
    p_event_records bytea_column,
    p_history_profiles bigint_column, p_history_positions integer_column, p_history_records bytea_column,
    p_request_digests uuid_column, p_request_fingerprints bytea_column, p_request_positions integer_column,
    p_request_answers bytea_column,
    p_policy_revisions integer_column, p_policies bytea_column,
    p_identity bytea, p_clock_skew_us_max bigint
) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_format_version_min integer;
    v_identity bytea;
    v_prev bytea;
    v_prev_time_us bigint;
    v_now_us bigint := extract(epoch FROM clock_timestamp()) * 1000000;
    v_rows bigint;
BEGIN
    IF octet_length(p_id) <> 16 OR octet_length(p_state_hash) <> 48 THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the entry has an id or a hash of a wrong length';
    END IF;

    -- Writers of a workspace queue here, so no other order of locks exists. A row lock leaves no new row version.
    SELECT format_version_min, genesis_id || database_id INTO v_format_version_min, v_identity FROM workspaces
        WHERE workspace_key = p_workspace_key FOR NO KEY UPDATE;
    -- The number may be another workspace's since a copy was restored.
    IF v_identity IS DISTINCT FROM p_identity THEN
        RETURN 4;
    END IF;
    IF p_format_version < v_format_version_min THEN
        RETURN 3;
    END IF;

    -- Compare and set on the predecessor's identity, never on its number alone.
    SELECT id, commit_time_us INTO v_prev, v_prev_time_us FROM log WHERE workspace_key = p_workspace_key AND seq = p_seq - 1;
    IF v_prev IS DISTINCT FROM p_prev THEN
        RETURN 2;
    END IF;
    IF EXISTS (SELECT 1 FROM log WHERE workspace_key = p_workspace_key AND seq >= p_seq) THEN
        RETURN 1;
    END IF;
    -- Times of a workspace rise, so a wrong one would stay in all later ones. Right after a wrong one the next is right.
    IF p_commit_time_us NOT BETWEEN v_now_us - p_clock_skew_us_max
        AND greatest(v_now_us + p_clock_skew_us_max, v_prev_time_us + 1)
    THEN
        RETURN 5;
    END IF;
    INSERT INTO log VALUES (p_workspace_key, p_seq, p_id, p_prev, p_policy_revision, p_commit_time_us, p_state_hash,
        p_format_version);
    INSERT INTO log_payload VALUES (p_workspace_key, p_seq, p_commit_time_us, p_payload);

    IF cardinality(p_created_serials) > 0 THEN
        INSERT INTO profiles
            SELECT p_workspace_key, unnest(p_created_serials), unnest(p_created_create_time_us), unnest(p_created_source),
                unnest(p_created_merges);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_created_serials) THEN
            PERFORM assert_rows('created', cardinality(p_created_serials), v_rows);
        END IF;
    END IF;
    IF cardinality(p_loser_serials) > 0 THEN
        UPDATE profiles p SET merged_into = v.merged_into
            FROM (
                SELECT * FROM unnest(p_loser_serials, p_loser_merged_into) AS u (serial, merged_into)
                LIMIT cardinality(p_loser_serials)
            ) AS v
            WHERE p.workspace_key = p_workspace_key AND p.serial = v.serial AND p.merged_into = 0;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_loser_serials) THEN
            PERFORM assert_rows('losers', cardinality(p_loser_serials), v_rows);
        END IF;
    END IF;

    IF cardinality(p_detached_digests) > 0 THEN
        DELETE FROM identifiers i
            USING (
                SELECT * FROM unnest(p_detached_profiles, p_detached_digests, p_detached_slots)
                    AS u (profile, digest, slot)
                LIMIT cardinality(p_detached_digests)
            ) AS v
            WHERE i.workspace_key = p_workspace_key AND i.profile = v.profile AND i.digest = v.digest
                AND i.slot = v.slot;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_detached_digests) THEN
            PERFORM assert_rows('detached', cardinality(p_detached_digests), v_rows);
        END IF;
    END IF;
    IF cardinality(p_attached_digests) > 0 THEN
        INSERT INTO identifiers
            SELECT p_workspace_key, unnest(p_attached_digests), unnest(p_attached_slots), unnest(p_attached_profiles),
                unnest(p_attached_types), unnest(p_attached_normalized), unnest(p_attached_raw),
                unnest(p_attached_added_us), unnest(p_attached_seen_day), p_seq;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_attached_digests) THEN
            PERFORM assert_rows('attached', cardinality(p_attached_digests), v_rows);
        END IF;
    END IF;
    IF cardinality(p_seen_digests) > 0 THEN
        UPDATE identifiers i SET seen_day = v.day
            FROM (
                SELECT * FROM unnest(p_seen_profiles, p_seen_digests, p_seen_slots, p_seen_days)
                    AS u (profile, digest, slot, day)
                LIMIT cardinality(p_seen_digests)
            ) AS v
            WHERE i.workspace_key = p_workspace_key AND i.profile = v.profile AND i.digest = v.digest
                AND i.slot = v.slot;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_seen_digests) THEN
            PERFORM assert_rows('seen', cardinality(p_seen_digests), v_rows);
        END IF;
    END IF;

    IF cardinality(p_trait_profiles) > 0 THEN
        INSERT INTO traits AS t
            SELECT p_workspace_key, v.profile, v.name, v.value, v.time_us, p_seq, v.position
            FROM unnest(p_trait_profiles, p_trait_names, p_trait_values, p_trait_time_us, p_trait_positions)
                AS v (profile, name, value, time_us, position)
            ON CONFLICT (workspace_key, profile, name) DO UPDATE
                SET value = excluded.value, time_us = excluded.time_us, seq = excluded.seq, position = excluded.position;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_trait_profiles) THEN
            PERFORM assert_rows('traits', cardinality(p_trait_profiles), v_rows);
        END IF;
    END IF;
    IF cardinality(p_event_profiles) > 0 THEN
        INSERT INTO events
            SELECT p_workspace_key, unnest(p_event_profiles), unnest(p_event_time_us), p_seq, unnest(p_event_positions),
                unnest(p_event_records);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_event_profiles) THEN
            PERFORM assert_rows('events', cardinality(p_event_profiles), v_rows);
        END IF;
    END IF;
    IF cardinality(p_history_profiles) > 0 THEN
        INSERT INTO history
            SELECT p_workspace_key, unnest(p_history_profiles), p_seq, unnest(p_history_positions),
                unnest(p_history_records);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_history_profiles) THEN
            PERFORM assert_rows('history', cardinality(p_history_profiles), v_rows);
        END IF;
    END IF;
    IF cardinality(p_request_digests) > 0 THEN
        -- An id may be used anew after 24 hours; before that the engine must have known it.
        INSERT INTO requests AS r
            SELECT p_workspace_key, v.digest, v.fingerprint, p_seq, v.position, p_commit_time_us, v.answer
            FROM unnest(p_request_digests, p_request_fingerprints, p_request_positions, p_request_answers)
                AS v (digest, fingerprint, position, answer)
            ON CONFLICT (workspace_key, digest) DO UPDATE
                SET fingerprint = excluded.fingerprint, seq = excluded.seq, position = excluded.position,
                    commit_time_us = excluded.commit_time_us, answer = excluded.answer
                WHERE r.commit_time_us < p_commit_time_us - 86400000000;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_request_digests) THEN
            PERFORM assert_rows('requests', cardinality(p_request_digests), v_rows);
        END IF;
    END IF;
    IF cardinality(p_policies) > 0 THEN
        INSERT INTO policies
            SELECT p_workspace_key, v.policy_revision, v.policy, p_seq, p_commit_time_us
            FROM unnest(p_policy_revisions, p_policies) AS v (policy_revision, policy);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows <> cardinality(p_policies) THEN
            PERFORM assert_rows('policies', cardinality(p_policies), v_rows);
        END IF;
    END IF;
    RETURN 0;
END $$;
