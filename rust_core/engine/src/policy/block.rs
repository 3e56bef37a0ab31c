//! Blocked values, compiled once for a policy (rule C3 applies them).

use regex::{RegexBuilder, RegexSet, RegexSetBuilder};

use crate::fault::Violation;
use crate::policy::spec::BlockedSpec;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// The most patterns of one list.
pub const MAX_PATTERNS: usize = 200;

// What one expression, and all expressions of one list together, may take in memory once compiled: it keeps
// `(\w{999}){999}` out, and leaves room for anything that a person would write.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;
const MAX_LIST_BYTES: usize = 8 << 20;
const MAX_NESTING: u32 = 50;

// What a blocked value takes beside its letters, and an ordinary expression with what searching it needs.
const EXACT_BYTES: usize = 64;
const EXPRESSION_BYTES: usize = 16 << 10;

/// Values that never identify anybody: whole values, and expressions searched unanchored in linear time.
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    exact: Vec<Box<str>>,
    expressions: Option<RegexSet>,
}

impl BlockList {
    /// Compiles a list that stands at `path`; every fault goes to `violations`, and the list then lacks what is at fault.
    pub fn compile(specs: &[BlockedSpec], path: &str, violations: &mut Vec<Violation>) -> Self {
        if specs.len() > MAX_PATTERNS {
            violations.push(Violation::new(path, format!("must hold at most {MAX_PATTERNS} patterns")));
            return Self::default();
        }
        let mut exact = Vec::new();
        let mut expressions = Vec::new();
        for (position, spec) in specs.iter().enumerate() {
            let result = match spec {
                BlockedSpec::Unset => Err(("", String::from("must hold either exact or regex"))),
                BlockedSpec::Exact(value) => {
                    check_size(value).map(|()| exact.push(value.as_str().into())).map_err(|fault| (".exact", fault))
                }
                BlockedSpec::Regex(pattern) => check_size(pattern)
                    .and_then(|()| check_expression(pattern))
                    .map(|()| expressions.push(pattern.as_str()))
                    .map_err(|fault| (".regex", fault)),
            };
            if let Err((field, description)) = result {
                violations.push(Violation::new(format!("{path}[{position}]{field}"), description));
            }
        }
        let expressions = if expressions.is_empty() {
            None
        } else {
            let set = RegexSetBuilder::new(expressions).size_limit(MAX_LIST_BYTES).nest_limit(MAX_NESTING).build();
            if set.is_err() {
                violations.push(Violation::new(path, "must hold fewer or simpler expressions"));
            }
            set.ok()
        };
        Self { exact, expressions }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let exact: usize = self.exact.iter().map(|exact| 2 * exact.len() + EXACT_BYTES).sum();
        exact + self.expressions.as_ref().map_or(0, |expressions| expressions.len() * EXPRESSION_BYTES)
    }

    /// Whether a normalised value is blocked.
    #[must_use]
    #[inline]
    pub fn blocks(&self, normalized: &str) -> bool {
        // Most lists are empty, and every identifier is asked about.
        !(self.exact.is_empty() && self.expressions.is_none()) && self.holds(normalized)
    }

    fn holds(&self, normalized: &str) -> bool {
        self.exact.iter().any(|exact| **exact == *normalized)
            || self.expressions.as_ref().is_some_and(|expressions| expressions.is_match(normalized))
    }
}

fn check_size(pattern: &str) -> Result<(), String> {
    match pattern.len() {
        0 => Err(String::from("must not be empty")),
        1..=MAX_PATTERN_BYTES => Ok(()),
        _ => Err(format!("must be at most {MAX_PATTERN_BYTES} bytes long")),
    }
}

fn check_expression(pattern: &str) -> Result<(), String> {
    match RegexBuilder::new(pattern).size_limit(MAX_EXPRESSION_BYTES).nest_limit(MAX_NESTING).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(String::from("must be simpler: it compiles to too large a program"))
        }
        // The library's own text repeats the pattern, which may be somebody's value.
        Err(_) => Err(String::from("must be an RE2-like expression: it does not compile")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(specs: &[BlockedSpec]) -> Result<BlockList, Vec<Violation>> {
        let mut violations = Vec::new();
        let list = BlockList::compile(specs, "blocked", &mut violations);
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
