//! The mixed workload: seeded, never repeating. 60 % of the calls name a person whom the index knows (a quarter of them
//! with a new device), 30 % somebody new, 10 % a person together with an anonymous device's profile, so that they merge.

use prost::Message;
use utterson_codec::proto::v1;
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, Seq};
use utterson_engine::state::{Head, State};

/// The instant at which everything takes place.
pub const NOW: Micros = Micros(1_790_000_000_000_000);

/// Draws numbers; the same from the same seed on every machine.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `bound` (`SplitMix64`).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let wide = u128::from(mixed ^ (mixed >> 31)) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}

/// The people of a workspace and the calls about them.
#[derive(Clone, Copy, Debug)]
pub struct People {
    chance: Chance,
    known: u64,
    newest: u64,
    devices: u64,
}

impl People {
    /// So many known profiles with three identifiers each; every fourth is an anonymous device's.
    pub fn new(known: u64) -> Self {
        Self { chance: Chance(4), known, newest: known, devices: 0 }
    }

    /// The Identify calls that make the known profiles.
    pub fn population(&self) -> impl Iterator<Item = v1::IdentifyRequest> + use<> {
        (0..self.known).map(|one| request(if one % 4 == 3 { anonymous(one) } else { person(one) }))
    }

    /// So many calls.
    pub fn calls(&mut self, count: usize) -> Vec<v1::IdentifyRequest> {
        (0..count).map(|_| request(self.identifiers())).collect()
    }

    fn identifiers(&mut self) -> Vec<v1::Identifier> {
        match self.chance.below(100) {
            0..60 => {
                let one = self.somebody();
                let mut identifiers = if one % 4 == 3 { anonymous(one) } else { person(one) };
                if self.chance.below(4) == 0 {
                    self.devices += 1;
                    identifiers[2] = identifier("device_id", format!("9b1d-device-{:08x}-x", self.devices));
                }
                identifiers
            }
            60..90 => {
                self.newest += 4;
                person(self.newest - self.newest % 4)
            }
            _ => {
                let one = self.chance.below(self.known) / 4 * 4;
                let other = self.chance.below(self.known) / 4 * 4 + 3;
                let mut identifiers = person(one);
                identifiers.truncate(2);
                identifiers.extend(anonymous(other).pop());
                identifiers
            }
        }
    }

    /// Somebody known, some far more often than others (Zipf, s ≈ 1).
    fn somebody(&mut self) -> u64 {
        let bits = u64::from(self.known.ilog2()) + 1;
        let width = self.chance.below(bits);
        let rank = (1 << width) + self.chance.below(1 << width);
        // Spread, so that those called often do not lie side by side.
        rank.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.known
    }
}

/// What real senders put where a clean value was: what is blocked, invalid, or of another form.
const DIRTY: [&str; 10] = [
    "null",
    "",
    "00000000-0000-0000-0000-000000000000",
    "N/A",
    "Ann@Straße.example",
    " padded@example.com ",
    "zero\u{200b}width@example.com",
    "JU\u{308}RGEN@EXAMPLE.COM",
    "undefined",
    "علی\u{200c}رضا",
];

/// Puts a dirty value in the place of every tenth, but never of the first of a call.
pub fn soil(calls: &mut [v1::IdentifyRequest]) {
    let mut count = 0;
    for one in calls.iter_mut().flat_map(|call| call.identifiers.iter_mut().skip(1)) {
        count += 1;
        // Two of three are looked at, so that three of twenty of them are a tenth of all.
        if count % 20 < 3 {
            DIRTY[count % DIRTY.len()].clone_into(&mut one.value);
        }
    }
}

fn identifier(kind: &str, value: String) -> v1::Identifier {
    v1::Identifier { r#type: kind.to_owned(), value }
}

fn person(one: u64) -> Vec<v1::Identifier> {
    vec![
        identifier("user_id", format!("user-{one:010}")),
        identifier("email", format!("person.{one:08}@example.com")),
        identifier("device_id", format!("9b1d-device-{one:08x}-p")),
    ]
}

fn anonymous(one: u64) -> Vec<v1::Identifier> {
    vec![
        identifier("anonymous_id", format!("anonymous-{one:010}")),
        identifier("cookie", format!("0c5f-cookie-{one:08x}-a")),
        identifier("device_id", format!("9b1d-device-{one:08x}-a")),
    ]
}

fn request(identifiers: Vec<v1::Identifier>) -> v1::IdentifyRequest {
    v1::IdentifyRequest { identifiers, ..v1::IdentifyRequest::default() }
}

/// The calls as a batch message.
pub fn message(calls: Vec<v1::IdentifyRequest>) -> Vec<u8> {
    let calls = calls.into_iter().map(|call| v1::Call { call: Some(v1::call::Call::Identify(call)) });
    v1::BatchResolveRequest { workspace: "soho".to_owned(), calls: calls.collect() }.encode_to_vec()
}

/// An empty workspace under a preset.
pub fn workspace(preset: &str) -> State {
    let encoded = utterson_codec::policy::preset(preset).expect("a preset").encoded;
    let checked = utterson_codec::policy::stored(&encoded).expect("a good policy");
    let head = Head { seq: Seq(0), id: EntryId([1; 16]), commit_time: Micros(0) };
    State::empty(&[7; 16], &[8; 16], (PolicyRevision(1), checked.policy, checked.encoded), head)
}
