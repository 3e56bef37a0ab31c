//! What a policy says of a row of an import by itself, whatever anybody holds: for whoever looks through a file before it
//! is sent. Judged by the same rules as the import itself, C1 to C6.

use crate::call::ImportRow;
use crate::decider::asked::Fate;
use crate::fault::Fault;
use crate::keyed::digest::{Digest, Digester};
use crate::policy::Policy;

use super::import::prepare_row;

/// What comes of a row whose identifiers nobody holds.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Why the row is refused; then nothing else is told.
    pub fault: Option<Fault>,
    /// Places of identifiers whose values are blocked (rule C3).
    pub blocked: Vec<usize>,
    /// Places of identifiers whose types the policy ignores (rule C4).
    pub ignored: Vec<usize>,
    /// Places of identifiers that take part, without duplicates (rule C6), and what stands for type and value.
    pub usable: Vec<(usize, Digest)>,
}

/// Judges one row, whose shape is checked already.
#[must_use]
pub fn judge_row(policy: &Policy, digester: &Digester, row: &ImportRow<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    let asked = match prepare_row(policy, digester, row) {
        Ok(asked) => asked,
        Err(fault) => return Judgement { fault: Some(fault), ..judgement },
    };
    for one in &asked {
        match &one.fate {
            Fate::Blocked => judgement.blocked.push(one.position),
            Fate::IgnoredType => judgement.ignored.push(one.position),
            // An import refuses invalid values (rule C12): they are the fault above.
            Fate::Invalid(_) => {}
            Fate::Usable(usable) => judgement.usable.push((one.position, usable.digest)),
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{ImportPlace, RawIdentifier};
    use crate::normalize::Normalization;
    use crate::policy::spec::{BlockedSpec, TypeSpec, UnlistedTypes};
    use crate::testing::policies;

    fn policy() -> Policy {
        let mut spec = policies::boundless();
        spec.unlisted_types = Some(UnlistedTypes::Ignore);
        spec.default_type = None;
        let blocked = vec![BlockedSpec::Exact("no".into())];
        let normalization = Some(Normalization::Lower);
        spec.identifier_types = vec![TypeSpec { name: "name".into(), blocked, normalization, ..TypeSpec::default() }];
        Policy::compile(&spec).expect("a good policy").0
    }

    fn judged(identifiers: &[(&'static str, &'static str)]) -> Judgement {
        let raw = |&(type_name, value): &(&'static str, &'static str)| RawIdentifier {
            type_name: type_name.into(),
            value: value.into(),
        };
        let row = ImportRow {
            place: ImportPlace { message: 0, within: None },
            identifiers: identifiers.iter().map(raw).collect(),
            traits: Vec::new(),
            create_time: None,
            merges: 0,
        };
        judge_row(&policy(), &Digester::new(&[7; 16]), &row)
    }

    #[test]
    fn each_identifier_has_its_fate() {
        let told = judged(&[("name", "NO"), ("other", "x"), ("name", "Ann"), ("name", "ann"), ("name", "Bob")]);
        assert_eq!(told.fault, None);
        assert_eq!((told.blocked, told.ignored), (vec![0], vec![1]));
        assert_eq!(told.usable.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(told.usable[0].1, judged(&[("name", "ANN")]).usable[0].1);
    }

    #[test]
    fn a_row_that_an_import_refuses_is_refused() {
        assert!(judged(&[("name", "a\u{7}")]).fault.is_some());
        assert!(judged(&[("name", "no"), ("other", "x")]).fault.is_some());
    }
}
