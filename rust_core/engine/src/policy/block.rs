//! Blocked values, compiled once for a policy (rule C3 applies them).

use crate::fault::Violation;
use crate::policy::expressions::{self, Budget, Expressions, Parsed};
use crate::policy::spec::BlockedSpec;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// The most patterns of one list.
pub const MAX_PATTERNS: usize = 200;

/// A list of patterns as it stands in a policy.
#[derive(Clone, Debug)]
pub struct Part<'p> {
    /// Where it stands, to name it where something is wrong.
    pub path: String,
    /// The patterns.
    pub blocked: &'p [BlockedSpec],
}

// What a blocked value takes beside its letters.
const EXACT_BYTES: usize = 64;

/// Values that never identify anybody: whole values, and expressions searched unanchored, in one step a byte.
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    exact: Vec<Box<str>>,
    expressions: Vec<Expressions>,
    /// The bytes that a blocked text may begin with, a bit each: most values are told apart by their first.
    begins: [u64; 4],
}

impl BlockList {
    /// Compiles lists into one; every fault goes to `violations`, and the list then lacks what is at fault.
    pub fn compile(parts: &[Part<'_>], budget: &mut Budget, violations: &mut Vec<Violation>) -> Self {
        if let Some(part) = parts.iter().find(|part| part.blocked.len() > MAX_PATTERNS) {
            violations.push(Violation::new(&part.path, format!("must hold at most {MAX_PATTERNS} patterns")));
            return Self::default();
        }
        let placed =
            parts.iter().flat_map(|part| part.blocked.iter().enumerate().map(move |(place, spec)| (part, place, spec)));
        let specs: Vec<(&Part<'_>, usize, &BlockedSpec)> = placed.collect();
        let mut list = Self::default();
        let mut parsed = Vec::new();
        let mut faults = Vec::new();
        for (position, &(_, _, spec)) in specs.iter().enumerate() {
            let taken = list.take(position, spec, budget, &mut parsed);
            faults.extend(taken.err().map(|(field, description)| (position, field, description)));
        }
        match expressions::compile(&parsed, budget) {
            Ok(expressions) => list.expressions = expressions,
            Err(over) => {
                let description =
                    "must be simpler, or stand beside fewer others: it compiles to too large an automaton";
                faults.extend(over.into_iter().map(|position| (position, ".regex", description.into())));
            }
        }
        list.note_begins();
        faults.sort_by_key(|(position, ..)| *position);
        let named = |(position, field, description): (usize, &str, String)| {
            let (part, place, _) = specs[position];
            Violation::new(format!("{}[{place}]{field}", part.path), description)
        };
        violations.extend(faults.into_iter().map(named));
        list
    }

    /// Takes one pattern of the list; the error tells the field and what it must be.
    fn take<'p>(
        &mut self,
        position: usize,
        spec: &'p BlockedSpec,
        budget: &mut Budget,
        parsed: &mut Vec<Parsed<'p>>,
    ) -> Result<(), (&'static str, String)> {
        match spec {
            BlockedSpec::Unset => Err(("", String::from("must hold either exact or regex"))),
            BlockedSpec::Exact(value) => {
                check_size(value).map_err(|fault| (".exact", fault))?;
                self.exact.push(value.as_str().into());
                Ok(())
            }
            BlockedSpec::Regex(pattern) => {
                check_size(pattern).map_err(|fault| (".regex", fault))?;
                let one = expressions::parse(position, pattern, budget).map_err(|fault| (".regex", fault.into()))?;
                parsed.push(one);
                Ok(())
            }
        }
    }

    /// Adds expressions that were compiled already.
    pub(super) fn add(&mut self, expressions: Vec<Expressions>) {
        self.expressions.extend(expressions);
        self.note_begins();
    }

    fn note_begins(&mut self) {
        for byte in 0..=u8::MAX {
            let of_exact = self.exact.iter().any(|exact| exact.as_bytes().first() == Some(&byte));
            if of_exact || self.expressions.iter().any(|expressions| expressions.may_begin(byte)) {
                self.begins[usize::from(byte >> 6)] |= 1 << (byte & 63);
            }
        }
    }

    #[inline]
    fn may_begin_as(&self, text: &str) -> bool {
        // An empty text begins with nothing, and expressions may find it all the same.
        text.as_bytes().first().is_none_or(|byte| self.begins[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1)
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let exact: usize = self.exact.iter().map(|exact| 2 * exact.len() + EXACT_BYTES).sum();
        exact + self.expressions.iter().map(Expressions::bytes).sum::<usize>()
    }

    /// Whether a text is blocked.
    #[must_use]
    #[inline]
    pub fn blocks(&self, text: &str) -> bool {
        // Most lists are empty, and every identifier is asked about.
        !(self.exact.is_empty() && self.expressions.is_empty()) && self.may_begin_as(text) && self.holds(text)
    }

    /// About how long the list takes for one value, beside what comparing it takes.
    pub(super) fn value_cost(&self) -> usize {
        self.expressions.iter().map(Expressions::value_cost).sum::<usize>().max(1)
    }

    fn holds(&self, text: &str) -> bool {
        self.exact.iter().any(|exact| **exact == *text)
            || self.expressions.iter().any(|expressions| expressions.find(text))
    }
}

fn check_size(pattern: &str) -> Result<(), String> {
    match pattern.len() {
        0 => Err(String::from("must not be empty")),
        1..=MAX_PATTERN_BYTES => Ok(()),
        _ => Err(format!("must be at most {MAX_PATTERN_BYTES} bytes long")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compile(specs: &[BlockedSpec]) -> Result<BlockList, Vec<Violation>> {
        let mut violations = Vec::new();
        let parts = [Part { path: "blocked".into(), blocked: specs }];
        let list = BlockList::compile(&parts, &mut Budget::of_new(), &mut violations);
        if violations.is_empty() { Ok(list) } else { Err(violations) }
    }

    fn regex(pattern: &str) -> BlockedSpec {
        BlockedSpec::Regex(pattern.into())
    }

    #[test]
    fn expressions_search_and_whole_values_compare() {
        let list = compile(&[regex("^[0-]*$"), regex("test"), BlockedSpec::Exact("-1".into())]).expect("a good list");
        for blocked in ["000", "0-0", "-", "a test b", "-1"] {
            assert!(list.blocks(blocked), "{blocked}");
        }
        for free in ["0-1", "-11", "tes", "TEST", "0\n"] {
            assert!(!list.blocks(free), "{free}");
        }
        assert!(!BlockList::default().blocks("0"));
    }

    proptest! {
        #[test]
        fn the_first_byte_tells_only_what_the_search_would(text in "[0aé\u{4e00}Ü-]{0,3}|test|Übung|0-0") {
            for specs in [
                vec![regex("^[0-]*$"), BlockedSpec::Exact("Übung".into())],
                vec![regex("^é"), regex("a")],
                vec![regex("^$"), BlockedSpec::Exact("a".into())],
                vec![regex(r"\bno\b|^0")],
            ] {
                let list = compile(&specs).expect("a good list");
                prop_assert_eq!(list.blocks(&text), list.holds(&text), "{:?}", specs);
            }
        }
    }

    #[test]
    fn every_fault_is_named_and_none_repeats_the_pattern() {
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        let specs = [
            BlockedSpec::Unset,
            BlockedSpec::Exact(String::new()),
            regex(""),
            regex("se(cret"),
            regex(r"(?:\w{900}){900}"),
            regex(r"secret(?=x)"),
            regex(&format!("{}{}", "(".repeat(60), ")".repeat(60))),
            BlockedSpec::Exact(long),
            regex("fine"),
        ];
        let violations = compile(&specs).expect_err("faults");
        let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        let expected = ["", ".exact", ".regex", ".regex", ".regex", ".regex", ".regex", ".exact"];
        let expected: Vec<String> =
            expected.iter().enumerate().map(|(position, field)| format!("blocked[{position}]{field}")).collect();
        assert_eq!(fields, expected);
        assert!(violations.iter().all(|violation| !violation.description.contains("secret")));
    }

    #[test]
    fn a_list_has_a_bound() {
        assert!(compile(&vec![regex("a"); MAX_PATTERNS]).is_ok());
        assert!(compile(&vec![regex("a"); MAX_PATTERNS + 1]).is_err());
    }

    #[test]
    fn searching_takes_linear_time() {
        let list = compile(&[regex("(a*)*b")]).expect("a good list");
        assert!(!list.blocks(&"a".repeat(512)));
    }
}
