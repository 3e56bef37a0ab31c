//! The named lists of values that never identify anybody (rule C3): data files, expanded into a policy when it is given.
//! A policy keeps its expansion, so a later list changes nothing that runs.

use std::sync::LazyLock;

use crate::policy::choice::BlockedList;
use crate::policy::expressions::{self, Budget, Expressions};
use crate::policy::spec::{BlockedSpec, ExpandedSpec, PolicySpec};

/// One entry of a named list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The expression, searched unanchored.
    pub pattern: &'static str,
    /// Why what it finds identifies nobody.
    pub reason: &'static str,
}

/// The entries of a list as this build has them.
pub fn entries(list: BlockedList) -> impl Iterator<Item = Entry> {
    let text = match list {
        BlockedList::Placeholders => include_str!("lists/placeholders.txt"),
        BlockedList::Zeros => include_str!("lists/zeros.txt"),
        BlockedList::Repeated => include_str!("lists/repeated.txt"),
    };
    let lines = text.lines().filter(|line| !line.starts_with("# ") && !line.is_empty());
    lines.filter_map(|line| line.split_once('\t')).map(|(pattern, reason)| Entry { pattern, reason })
}

/// The lists that a policy names with what they hold: a list that comes with its expansion keeps that expansion.
pub(super) fn expanded(spec: &PolicySpec) -> Vec<ExpandedSpec> {
    let expand = |&list: &BlockedList| {
        let given = spec.expanded_lists.iter().find(|given| given.list == list);
        given.cloned().unwrap_or_else(|| ExpandedSpec {
            list,
            blocked: entries(list).map(|entry| BlockedSpec::Regex(entry.pattern.into())).collect(),
        })
    };
    spec.blocked_lists.iter().map(expand).collect()
}

/// What finds each list of this build, and those of the presets together: compiled once for all policies.
static PLACEHOLDERS: LazyLock<Vec<Expressions>> = LazyLock::new(|| compiled(&[BlockedList::Placeholders]));
static ZEROS: LazyLock<Vec<Expressions>> = LazyLock::new(|| compiled(&[BlockedList::Zeros]));
static REPEATED: LazyLock<Vec<Expressions>> = LazyLock::new(|| compiled(&[BlockedList::Repeated]));
static OF_PRESETS: LazyLock<Vec<Expressions>> =
    LazyLock::new(|| compiled(&[BlockedList::Placeholders, BlockedList::Zeros]));

/// What finds those of the expansions that are this build's lists, and the positions of the others.
pub(super) fn shared(expanded: &[ExpandedSpec]) -> (Vec<Expressions>, Vec<usize>) {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for (position, one) in expanded.iter().enumerate() {
        if is_of_this_build(one) { found.push(one.list) } else { others.push(position) }
    }
    let mut expressions = Vec::new();
    let of_presets = [BlockedList::Placeholders, BlockedList::Zeros];
    if of_presets.iter().all(|list| found.contains(list)) {
        found.retain(|list| !of_presets.contains(list));
        expressions.extend(OF_PRESETS.iter().cloned());
    }
    for list in found {
        expressions.extend(match list {
            BlockedList::Placeholders => PLACEHOLDERS.iter().cloned(),
            BlockedList::Zeros => ZEROS.iter().cloned(),
            BlockedList::Repeated => REPEATED.iter().cloned(),
        });
    }
    (expressions, others)
}

fn is_of_this_build(expanded: &ExpandedSpec) -> bool {
    let is_entry = |(spec, entry): (&BlockedSpec, Entry)| *spec == BlockedSpec::Regex(entry.pattern.into());
    expanded.blocked.len() == entries(expanded.list).count()
        && expanded.blocked.iter().zip(entries(expanded.list)).all(is_entry)
}

/// The data of this build compiles, as a test holds.
fn compiled(lists: &[BlockedList]) -> Vec<Expressions> {
    let mut budget = Budget::of_new();
    let entries: Vec<Entry> = lists.iter().flat_map(|&list| entries(list)).collect();
    let parsed =
        entries.iter().enumerate().map(|(position, entry)| expressions::parse(position, entry.pattern, &mut budget));
    let Ok(parsed) = parsed.collect::<Result<Vec<_>, _>>() else { return Vec::new() };
    let compiled = expressions::compile(&parsed, &mut budget).unwrap_or_default();
    compiled.into_iter().map(Expressions::shared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;
    use crate::policy::Policy;
    use crate::testing::policies;

    fn with(lists: &[BlockedList]) -> PolicySpec {
        PolicySpec { blocked: Vec::new(), blocked_lists: lists.to_vec(), ..policies::boundless() }
    }

    fn policy(list: BlockedList) -> Policy {
        Policy::compile(&with(&[list])).expect("a good policy").0
    }

    #[test]
    fn every_line_is_a_comment_or_an_entry_with_a_reason() {
        for &list in BlockedList::ALL {
            assert!(entries(list).count() > 0);
            assert!(entries(list).all(|entry| entry.pattern.contains('^') && entry.reason.len() > 9), "{list:?}");
        }
        let lines = include_str!("lists/placeholders.txt").lines().filter(|line| !line.starts_with("# "));
        assert_eq!(lines.count(), entries(BlockedList::Placeholders).count());
    }

    #[test]
    fn the_lists_of_this_build_are_one_automaton_for_all_policies() {
        let all = BlockedList::ALL.iter().map(|&list| vec![list]).chain([BlockedList::ALL.to_vec()]);
        for lists in all {
            let spec = with(&lists);
            let (expressions, others) = shared(&expanded(&spec));
            assert_eq!((expressions.len(), others), (lists.len().min(2), Vec::new()), "{lists:?}");
            assert!(expressions.iter().all(|one| one.value_cost() == 1 && one.bytes() == 0));
        }
        let mut own = expanded(&with(&[BlockedList::Zeros]));
        own[0].blocked.push(BlockedSpec::Exact("none of theirs".into()));
        assert_eq!(shared(&own).1, [0]);
    }

    #[test]
    fn placeholders_are_what_stands_where_no_value_is() {
        let policy = policy(BlockedList::Placeholders);
        for value in [
            "null",
            "NULL",
            "Undefined",
            "none",
            "nil",
            "NaN",
            "N/A",
            "na",
            "Unknown",
            "anonymous",
            "guest",
            "test",
            "TRUE",
            "false",
            "-1",
            "0",
            "[object Object]",
            "(not set)",
            "#N/A",
            "{{user.id}}",
            "${id}",
            "\\N",
            "user_id",
            "\"null\"",
            "<undefined>",
            "(empty)",
            "{user_id}",
            "undefined undefined",
            "-1.0",
            "-NaN",
            "NaT",
            "n / a",
            "n.a",
            "---",
        ] {
            assert!(policy.blocks(value), "{value}");
        }
    }

    #[test]
    fn words_that_only_begin_like_placeholders_are_none() {
        let policy = policy(BlockedList::Placeholders);
        for value in [
            "nullable",
            "annull",
            "10",
            "-11",
            "tester",
            "guest7",
            "anna",
            "nathan",
            "00",
            "[object",
            "a@null",
            "nat",
            "nina",
            "-1.5",
            "null@x",
            "anna null",
        ] {
            assert!(!policy.blocks(value), "{value}");
        }
    }

    #[test]
    fn zeros_are_zeros_and_separators() {
        let policy = policy(BlockedList::Zeros);
        for value in [
            "0",
            "000-000-0000",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "urn:uuid:00000000-0000-0000-0000-000000000000",
            "00:00:00:00:00:00",
            "+0",
            "0.0",
            "(000)",
            "00\u{202f}00",
            "\u{ff10}\u{ff10}\u{ff0d}\u{ff10}",
        ] {
            assert!(policy.blocks(value), "{value}");
        }
        for value in ["", "-", "0-1", "a0", "0x0", "10"] {
            assert!(!policy.blocks(value), "{value}");
        }
    }

    #[test]
    fn repeated_is_one_digit_six_times() {
        let policy = policy(BlockedList::Repeated);
        for value in [
            "111111",
            "111-111-1111",
            "+99 9999",
            "000000",
            "9999999999.0",
            "222\u{202f}222\t2222",
            "\u{ff12}\u{ff12}\u{ff12}\u{ff12}\u{ff12}\u{ff12}",
        ] {
            assert!(policy.blocks(value), "{value}");
        }
        for value in ["11111", "111112", "1111111a", "+1 222 222 2222", "", "9999999999.5", "11111.0"] {
            assert!(!policy.blocks(value), "{value}");
        }
    }

    #[test]
    fn a_given_expansion_stays() {
        let mut spec = with(&[BlockedList::Zeros]);
        let own = vec![BlockedSpec::Exact("only this".into())];
        spec.expanded_lists = vec![ExpandedSpec { list: BlockedList::Zeros, blocked: own.clone() }];
        let policy = Policy::compile(&spec).expect("a good policy").0;
        assert!(policy.blocks("only this") && !policy.blocks("000"));
        assert_eq!(policy.expanded().expanded_lists[0].blocked, own);
        // What no list names any more is left out.
        spec.blocked_lists.clear();
        let policy = Policy::compile(&spec).expect("a good policy").0;
        assert!(!policy.blocks("only this") && policy.expanded().expanded_lists.is_empty());
    }
}
