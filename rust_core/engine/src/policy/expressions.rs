//! The expressions of a block list as automata that look at each byte of a value once, whatever the expressions are.
//!
//! An expression can cost much twice: when it is compiled, and, searched any other way, with each value anew. Here both
//! are bounded when a policy is given: [`Budget`] is what one policy may take, and what does not become an automaton
//! within it is refused. A policy that is kept was accepted by its time; what of it is over the budget is searched as
//! it was then.

use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::classes;

/// What the lists of one policy may take together once compiled, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// What one automaton may take, in bytes.
const MAX_AUTOMATON_BYTES: usize = 4 << 20;
/// What making one may take: the states of expressions side by side, and the sets of them that are met.
const MAX_NFA_BYTES: usize = 1 << 20;
const MAX_MAKING_BYTES: usize = 512 << 10;
/// How often a policy's expressions are tried together, too large ones in halves.
const MAX_TRIES: u32 = 24;
/// The most classes beyond ASCII in the expressions of one policy: each is a table of hundreds of ranges.
const MAX_CLASSES: usize = 1000;
const MAX_NESTING: u32 = 50;
/// What the expressions of one list with word boundaries of Unicode may take: values beyond ASCII are searched for
/// these state by state.
const MAX_WORD_BYTES: usize = 16 << 10;
/// What a list of a kept policy may take where it is no automaton; it was the bound when such were accepted.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// About what an expression takes that is searched state by state, with what searching it needs.
const STATES_BYTES: usize = 16 << 10;

/// What is left of what one policy's expressions may take.
#[derive(Clone, Debug)]
pub struct Budget {
    tries: u32,
    bytes: usize,
    classes: usize,
    is_kept: bool,
}

impl Budget {
    /// That of a policy that is given now.
    #[must_use]
    pub fn of_new() -> Self {
        Self { tries: MAX_TRIES, bytes: MAX_BYTES, classes: MAX_CLASSES, is_kept: false }
    }

    /// That of a policy that was accepted before.
    #[must_use]
    pub fn of_kept() -> Self {
        Self { classes: usize::MAX, is_kept: true, ..Self::of_new() }
    }
}

/// An expression whose syntax was checked.
pub(super) struct Parsed<'p> {
    /// Where it stands in its list.
    pub position: usize,
    pattern: &'p str,
    hir: Hir,
}

/// Checks one expression's syntax.
///
/// # Errors
///
/// What the expression must be; never the expression, which may be somebody's value.
pub(super) fn parse<'p>(position: usize, pattern: &'p str, budget: &mut Budget) -> Result<Parsed<'p>, &'static str> {
    const SYNTAX: &str = "must be an RE2-like expression: it does not compile";
    let classes = classes::count(pattern, MAX_NESTING).ok_or(SYNTAX)?;
    budget.classes = budget
        .classes
        .checked_sub(classes)
        .ok_or("must have fewer classes beyond ASCII: the policy has 1000 of them before this expression")?;
    let hir = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(pattern).map_err(|_| SYNTAX)?;
    Ok(Parsed { position, pattern, hir })
}

/// Some expressions of a list, searched together.
#[derive(Clone, Debug)]
pub(super) struct Expressions {
    search: Arc<Search>,
    /// The process has it once, whatever policies use it.
    is_shared: bool,
}

#[derive(Debug)]
enum Search {
    /// One step a byte.
    Automaton(Steps),
    /// The same for ASCII; other values are searched state by state, of which there are few.
    Words { automaton: dense::DFA<Vec<u32>>, set: RegexSet },
    /// Of a kept policy that has no automaton within the budget.
    Kept(RegexSet),
}

/// An automaton, and where it begins with any text: what searching by the library finds out for each text anew.
#[derive(Debug)]
struct Steps {
    automaton: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Steps {
    /// `None` where the library cannot tell where it begins, which it always can without word boundaries of Unicode.
    fn new(automaton: dense::DFA<Vec<u32>>) -> Option<Self> {
        let start = automaton.start_state_forward(&Input::new("").anchored(Anchored::No)).ok()?;
        Some(Self { automaton, start })
    }

    /// Whether it finds anything. Expressions that are anchored at the beginning die with the first byte that fits none.
    #[inline]
    fn find(&self, text: &str) -> bool {
        let Self { automaton, start } = self;
        let mut state = *start;
        for &byte in text.as_bytes() {
            state = automaton.next_state(state, byte);
            if automaton.is_special_state(state) {
                if automaton.is_match_state(state) {
                    return true;
                }
                if automaton.is_dead_state(state) {
                    return false;
                }
            }
        }
        automaton.is_match_state(automaton.next_eoi_state(state))
    }
}

impl Expressions {
    fn own(search: Search) -> Self {
        Self { search: Arc::new(search), is_shared: false }
    }

    /// The same, of which the process has one for all policies.
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// About how long looking for them takes, beside comparing a value.
    pub fn value_cost(&self) -> usize {
        match &*self.search {
            Search::Automaton(_) => 1,
            Search::Words { .. } => 500,
            Search::Kept(_) => 4000,
        }
    }

    /// About how many bytes a policy takes for them: of automata exactly so many, of shared ones none.
    pub fn bytes(&self) -> usize {
        if self.is_shared {
            return 0;
        }
        match &*self.search {
            Search::Automaton(steps) => steps.automaton.memory_usage(),
            Search::Words { automaton, set } => automaton.memory_usage() + set.len() * STATES_BYTES,
            Search::Kept(set) => set.len() * STATES_BYTES,
        }
    }

    /// Whether a text that begins with this byte may hold one of them.
    pub fn may_begin(&self, byte: u8) -> bool {
        match &*self.search {
            Search::Automaton(steps) => {
                let state = steps.automaton.next_state(steps.start, byte);
                !steps.automaton.is_dead_state(state)
            }
            Search::Words { .. } | Search::Kept(_) => true,
        }
    }

    /// Whether one of them is found anywhere in a value.
    #[inline]
    pub fn find(&self, value: &str) -> bool {
        match &*self.search {
            Search::Automaton(steps) => steps.find(value),
            Search::Words { automaton, set } => {
                let input = Input::new(value).anchored(Anchored::No).earliest(true);
                match automaton.try_search_fwd(&input) {
                    Ok(found) => found.is_some(),
                    Err(_) => set.is_match(value),
                }
            }
            Search::Kept(set) => set.is_match(value),
        }
    }
}

/// Compiles a list's expressions: together where that is small, else in halves. What cannot be made within the budget
/// stands in the error, by position.
pub(super) fn compile(parsed: &[Parsed<'_>], budget: &mut Budget) -> Result<Vec<Expressions>, Vec<usize>> {
    let is_word = |one: &&Parsed<'_>| one.hir.properties().look_set().contains_word_unicode();
    let (words, plain): (Vec<_>, Vec<_>) = parsed.iter().partition(is_word);
    let mut made = Vec::new();
    let mut over = Vec::new();
    for together in [plain, words] {
        halve(&together, budget, &mut made, &mut over);
    }
    if over.is_empty() { Ok(made) } else { Err(over) }
}

fn halve(together: &[&Parsed<'_>], budget: &mut Budget, made: &mut Vec<Expressions>, over: &mut Vec<usize>) {
    if together.is_empty() {
        return;
    }
    if let Some(search) = automaton(together, budget) {
        made.push(Expressions::own(search));
    } else if together.len() > 1 && budget.tries > 0 {
        let (some, others) = together.split_at(together.len() / 2);
        halve(some, budget, made, over);
        halve(others, budget, made, over);
    } else if let Some(search) = kept(together, budget) {
        made.push(Expressions::own(search));
    } else {
        over.extend(together.iter().map(|one| one.position));
    }
}

/// Makes one automaton of expressions; `None` where that takes more than is left.
fn automaton(together: &[&Parsed<'_>], budget: &mut Budget) -> Option<Search> {
    budget.tries = budget.tries.checked_sub(1)?;
    let nfa = nfa(together)?;
    let has_words = nfa.look_set_any().contains_word_unicode();
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .unicode_word_boundary(true)
        .accelerate(false)
        .dfa_size_limit(Some(MAX_AUTOMATON_BYTES.min(budget.bytes)))
        .determinize_size_limit(Some(MAX_MAKING_BYTES));
    let automaton = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
    let bytes = budget.bytes.checked_sub(automaton.memory_usage())?;
    let search = if has_words {
        Search::Words { automaton, set: set(together, MAX_WORD_BYTES)? }
    } else {
        Search::Automaton(Steps::new(automaton)?)
    };
    budget.bytes = bytes;
    Some(search)
}

fn nfa(together: &[&Parsed<'_>]) -> Option<NFA> {
    let config =
        thompson::Config::new().nfa_size_limit(Some(MAX_NFA_BYTES)).which_captures(WhichCaptures::None).utf8(true);
    let hirs: Vec<&Hir> = together.iter().map(|one| &one.hir).collect();
    thompson::Compiler::new().configure(config).build_many_from_hir(&hirs).ok()
}

fn kept(together: &[&Parsed<'_>], budget: &Budget) -> Option<Search> {
    if budget.is_kept { set(together, MAX_KEPT_BYTES).map(Search::Kept) } else { None }
}

fn set(together: &[&Parsed<'_>], max_bytes: usize) -> Option<RegexSet> {
    let patterns = together.iter().map(|one| one.pattern);
    RegexSetBuilder::new(patterns).size_limit(max_bytes).nest_limit(MAX_NESTING).build().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::cases;

    fn compiled(patterns: &[&str], mut budget: Budget) -> Result<Vec<Expressions>, Vec<usize>> {
        let parsed: Vec<_> = patterns
            .iter()
            .enumerate()
            .map(|(position, pattern)| parse(position, pattern, &mut budget).expect("an expression"))
            .collect();
        compile(&parsed, &mut budget)
    }

    fn found(expressions: &[Expressions], value: &str) -> bool {
        expressions.iter().any(|one| one.find(value))
    }

    const PATTERNS: [&str; 7] =
        [r"^[0-]*$", "test", r"(?i)straße", r"\bno\b", r"^\w+\s\d$", r"x(?:ab){2,5}y", r"\B-\B"];

    /// Each pattern alone, and all together, compiled both ways.
    static BOTH_WAYS: LazyLock<Vec<(Vec<Expressions>, RegexSet)>> = LazyLock::new(|| {
        let alone = PATTERNS.iter().map(std::slice::from_ref);
        let both = |patterns: &[&str]| {
            let made = compiled(patterns, Budget::of_new()).expect("automata");
            (made, RegexSet::new(patterns).expect("a set"))
        };
        alone.chain([&PATTERNS[..]]).map(both).collect()
    });

    proptest! {
        #![proptest_config(cases(2_000))]

        #[test]
        fn an_automaton_finds_what_the_library_finds(
            value in prop_oneof!["[0a-]{0,6}", "[noés ]{0,8}", "(x(ab){1,6}y)?[ßSs]{0,3}", "\\PC{0,12}", "[a-bé]{0,4}"],
        ) {
            for (made, expected) in BOTH_WAYS.iter() {
                prop_assert_eq!(found(made, &value), expected.is_match(&value));
            }
        }
    }

    #[test]
    fn what_would_be_dear_at_each_value_is_refused_by_name() {
        // Each needs a state for every way in which the last signs may have been.
        let dear = "[01]*1[01]{16}y";
        assert!(compiled(&[dear], Budget::of_new()).is_err());
        let among = ["^a$", dear, "b"];
        assert_eq!(compiled(&among, Budget::of_new()).expect_err("too dear"), [1]);
        for pattern in [r"(?:\w{900}){900}", r"(?:[\pL\d_]{50}){50}", r"(?s-u:a[ab]{60})b", r"\w{200}\w{200}\w{200}"] {
            assert_eq!(compiled(&[pattern], Budget::of_new()).expect_err("too dear"), [0], "{pattern}");
        }
    }

    #[test]
    fn a_kept_policy_is_searched_as_it_was() {
        let dear = "[01]*1[01]{16}y";
        let made = compiled(&["^a$", dear], Budget::of_kept()).expect("kept");
        assert!(found(&made, "a") && found(&made, "10000000000000000y") && !found(&made, "1y"));
        assert!(
            compiled(&["[^a]"; MAX_CLASSES + 1], Budget::of_kept()).is_ok(),
            "classes count when a policy is given only"
        );
    }

    #[test]
    fn classes_are_counted_over_the_whole_policy() {
        let mut budget = Budget::of_new();
        let parsed = (0..=MAX_CLASSES).map(|position| parse(position, r"\w", &mut budget).is_ok());
        assert_eq!(parsed.filter(|good| *good).count(), MAX_CLASSES);
        assert!(parse(0, "[a-z]", &mut budget).is_ok());
    }

    #[test]
    fn many_ordinary_expressions_are_few_automata() {
        let patterns: Vec<String> = (0..200).map(|number| format!("^[0-9]*x{number}$")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let made = compiled(&patterns, Budget::of_new()).expect("automata");
        assert!(made.len() <= 2, "{}", made.len());
        assert!(found(&made, "00x199") && !found(&made, "00x200"));
        let addresses = [r"^\w+@\w+\.\w+$", r"\d{3}-\d{4}", r"(?i)^(?:null|undefined|unknown)$"];
        assert!(compiled(&addresses, Budget::of_new()).is_ok());
    }
}
