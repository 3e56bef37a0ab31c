//! C6 Duplicates in one call, after C1: the first counts. Two identifiers are duplicates where type and normalised
//! value are equal; the digest of both stands for them. A value without a form, or with an invalid one, stands for itself as
//! it was sent, and what was set aside is no duplicate of what was not.
//!
//! Source: common to both families.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::keyed::digest::Digest;
use crate::rules::common::c2_refuse::MAX_IDENTIFIERS;

/// The identifiers of one call so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    // A call has few identifiers, and looking through a few is cheaper than any set; an import's profile may have many.
    few: SmallVec<[Digest; 8]>,
    many: BTreeSet<Digest>,
}

impl Seen {
    /// Room for the identifiers of a call.
    pub fn with_capacity(count: usize) -> Self {
        Self { few: SmallVec::with_capacity(count.min(MAX_IDENTIFIERS)), many: BTreeSet::new() }
    }

    /// Whether this identifier is the first of its kind.
    pub fn is_first(&mut self, digest: Digest) -> bool {
        if self.few.contains(&digest) {
            return false;
        }
        if self.few.len() < MAX_IDENTIFIERS {
            self.few.push(digest);
            return true;
        }
        self.many.insert(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_digest_is_first_once(digests in prop::collection::vec(0u128..100, 0..200)) {
            let mut seen = Seen::with_capacity(digests.len());
            let kept: Vec<u128> = digests.iter().copied().filter(|&digest| seen.is_first(Digest(digest))).collect();
            let mut expected = Vec::new();
            for digest in digests {
                if !expected.contains(&digest) {
                    expected.push(digest);
                }
            }
            prop_assert_eq!(kept, expected);
        }
    }
}
