-- The index that is to be the key, if there is one: not valid where whoever built it did not come to an end.
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('identifiers_by_profile')
