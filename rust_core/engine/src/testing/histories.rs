//! Random policies of either family together with calls that fit them.

use proptest::prelude::*;

use crate::call::Call;
use crate::policy::spec::PolicySpec;
use crate::testing::calls::{ISOLATION, MERGE, Pool, any_calls};
use crate::testing::policies::{any_isolation, any_merge};

/// Either family: a policy, another that may follow it, and the calls that fit both.
fn any_family() -> impl Strategy<Value = (PolicySpec, PolicySpec, Pool)> {
    prop_oneof![(any_merge(), any_merge(), Just(MERGE)), (any_isolation(), any_isolation(), Just(ISOLATION)),]
}

/// A history of either family: a policy and calls, then another policy and more calls.
pub(crate) fn any_history(most: usize) -> impl Strategy<Value = [(PolicySpec, Vec<Call<'static>>); 2]> {
    any_family().prop_flat_map(move |(spec, later, pool)| {
        (any_calls(pool, most), any_calls(pool, most))
            .prop_map(move |(calls, more)| [(spec.clone(), calls), (later.clone(), more)])
    })
}
