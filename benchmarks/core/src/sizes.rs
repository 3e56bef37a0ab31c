//! Memory, decision and loading by the number of identifiers (goals G7 and G9 of benchmarks/goals.toml), beside a cache miss and plain maps.

use utterson_engine::policy::presets::preset;
use utterson_engine::state::State;

use crate::allocation::held_bytes;
use crate::decision;
use crate::figure::{Figures, Goal};
use crate::miss::Chase;
use crate::plain;
use crate::population::{EACH, digests, empty, of_person, profile, rows};
use crate::random::Random;
use crate::time::{median, nanoseconds};

const CALLS: usize = 200_000;
/// The size that the goals are meant for.
const GOALS_FROM: u32 = 10_000_000;

/// Takes the figures at every size.
pub fn measure(figures: &mut Figures, chase: &Chase, sizes: &[u32], runs: usize) {
    for &identifiers in sizes {
        ours(figures, chase, (identifiers, runs));
        by_digest(figures, (identifiers, runs));
        by_bytes(figures, (identifiers, runs));
    }
}

fn bytes(before: usize, identifiers: u32) -> f64 {
    // Far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "a number of bytes in memory")]
    let bytes = held_bytes().saturating_sub(before) as f64;
    bytes / f64::from(identifiers)
}

/// The state of a workspace, with the time a row took to be loaded.
pub fn load(identifiers: u32) -> Option<(State, f64)> {
    let people = identifiers / EACH;
    let mut state = empty(&preset("identity_graph_rules")?)?;
    let mut whole = 0.0;
    for from in (0..people).step_by(10_000) {
        let until = (from + 10_000).min(people);
        // The tables give profiles first; here the order tells nothing.
        whole += nanoseconds(|| {
            (from..until).for_each(|person| {
                state.load_profile(&profile(person + 1));
            });
        });
        let rows = rows(&state, from..until);
        whole += nanoseconds(|| {
            for row in &rows {
                state.load_identifier(row);
            }
        });
    }
    let expected = state.hash;
    whole += nanoseconds(|| {
        state.finish_loading(expected);
    });
    Some((state, whole / f64::from(identifiers)))
}

fn ours(figures: &mut Figures, chase: &Chase, (identifiers, runs): (u32, usize)) {
    let at = u64::from(identifiers);
    let before = held_bytes();
    let Some((state, row)) = load(identifiers) else { return };
    let goal = (identifiers >= GOALS_FROM).then_some(Goal { name: "G9", at_most: 40.0 });
    figures.judge("memory", at, (bytes(before, identifiers), "bytes an identifier"), goal);
    figures.note("loading a row", at, (row, "ns"));
    let mut random = Random::new(at);
    let people = (identifiers / EACH) as usize;
    let (mut misses, mut lines, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hits, mut mixed) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let mut person = || u32::try_from(random.below(people)).unwrap_or(0);
        let calls: Vec<_> = (0..CALLS).map(|_| digests(&state, person())).collect();
        misses.push(chase.run(run));
        lines.push(chase.independent(run));
        ahead.push(decision::read_ahead(&state, &calls));
        // Others of the caches' lines are read between, as between two batches of a server.
        let calls: Vec<_> = (0..CALLS).map(|_| digests(&state, person())).collect();
        hits.push(decision::run(&state, &calls));
        let calls: Vec<_> = (0..CALLS).map(|place| mixed_call(&state, place, [person(), person()])).collect();
        mixed.push(decision::run(&state, &calls));
    }
    let (miss, hit, mixed) = (median(misses), median(hits), median(mixed));
    figures.note("one dependent cache miss", at, (miss, "ns"));
    figures.note("one independent cache miss", at, (median(lines), "ns"));
    figures.note("reading ahead for a decision", at, (median(ahead), "ns"));
    figures.note("decision, all known", at, (hit, "ns"));
    figures.note("decision, mixed", at, (mixed, "ns"));
    let goal = (identifiers >= GOALS_FROM).then_some(Goal { name: "G7", at_most: 0.5 });
    figures.judge("decision, all known ÷ miss", at, (hit / miss, "misses"), goal);
    figures.judge("decision, mixed ÷ miss", at, (mixed / miss, "misses"), goal);
}

/// Of ten calls six name a known person, with something new at times, three a new one, one names two persons.
fn mixed_call(state: &State, place: usize, [one, other]: [u32; 2]) -> [utterson_engine::keyed::digest::Digest; 3] {
    let known = digests(state, one);
    let new = digests(state, u32::MAX - one);
    match place % 20 {
        0..9 => known,
        9..12 => [known[0], known[1], new[2]],
        12..18 => new,
        _ => [known[0], known[1], digests(state, other)[0]],
    }
}

fn by_digest(figures: &mut Figures, (identifiers, runs): (u32, usize)) {
    let at = u64::from(identifiers);
    let Some(state) = preset("identity_graph_rules").and_then(|spec| empty(&spec)) else { return };
    let before = held_bytes();
    let people = identifiers / EACH;
    let all = (0..people).flat_map(|person| of_person(person).into_iter().map(move |one| (person, one)));
    let map = plain::by_digest(all.map(|(person, one)| (state.digester.identifier(one.0, &one.1), person)));
    figures.note("plain map by digest: memory", at, (bytes(before, identifiers), "bytes an identifier"));
    let mut random = Random::new(at);
    let mut person = || u32::try_from(random.below(people as usize)).unwrap_or(0);
    let times = (0..runs).map(|_| {
        let calls: Vec<_> = (0..CALLS).map(|_| digests(&state, person())).collect();
        plain::run(&map, &calls, |map, digest| map.get(&digest.0).copied())
    });
    figures.note("plain map by digest: three owners, no counts", at, (median(times.collect()), "ns"));
}

fn by_bytes(figures: &mut Figures, (identifiers, runs): (u32, usize)) {
    let at = u64::from(identifiers);
    let before = held_bytes();
    let people = identifiers / EACH;
    let key = |(type_name, value): (&str, String)| format!("{type_name}={value}").into_bytes().into_boxed_slice();
    let all = (0..people).flat_map(|person| of_person(person).into_iter().map(move |one| (person, one)));
    let map = plain::by_bytes(all.map(|(person, one)| (key(one), person)));
    figures.note("plain map by bytes: memory", at, (bytes(before, identifiers), "bytes an identifier"));
    let mut random = Random::new(at);
    let mut three = || {
        // Whoever has three identifiers at least.
        let person = u32::try_from(random.below(people as usize)).unwrap_or(0) | 2;
        let mut own = of_person(person.min(people - 1)).into_iter().map(key);
        [own.next(), own.next(), own.next()].map(Option::unwrap_or_default)
    };
    let times = (0..runs).map(|_| {
        let calls: Vec<_> = (0..CALLS / 4).map(|_| three()).collect();
        plain::run(&map, &calls, |map, key| map.get(key).copied())
    });
    figures.note("plain map by bytes: three owners, no counts", at, (median(times.collect()), "ns"));
}
