//! Loading a workspace's state from its tables' rows, fed as chunks of Postgres' binary COPY.

use std::fmt;

use utterson_engine::ids::{Day, Micros, Position, Seq, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::keyed::state_hash::StateHash;
use utterson_engine::state::index::Entry;
use utterson_engine::state::marks::RequestMark;
use utterson_engine::state::{LoadedProfile, Misfit, State};

use crate::copy::{Copy, Misread, Row, bigint, boolean, int, sixteen, text};

/// How many identifiers are taken together.
const TOGETHER: usize = 64;

/// Why a state cannot be built. The words tell of the tables, and of nobody in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A row is not what its table promises.
    Misread,
    /// Two profiles own one identifier.
    TwoOwners,
    /// The rows are not those that the head tells of.
    OtherHead,
    /// The loader gave its state away, or met one of these before.
    Over,
}

impl From<Misread> for Unfit {
    fn from(_: Misread) -> Self {
        Self::Misread
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Misread => "the rows are not what the table promises",
            Self::TwoOwners => "an identifier that only one profile may hold has two owners in the table",
            Self::OtherHead => "the tables and the log's head disagree",
            Self::Over => "the loader is finished or broken",
        })
    }
}

/// A state under construction.
#[derive(Debug)]
pub struct Loading {
    state: State,
    expected: StateHash,
    profiles: Copy<5>,
    identifiers: Copy<6>,
    traits: Copy<6>,
    requests: Copy<4>,
    // Identifiers that are not taken yet: memory answers for many at once as fast as for one.
    read: Vec<Entry>,
    marks: Vec<(Digest, RequestMark)>,
}

impl Loading {
    /// Begins with an empty state at the snapshot's head, whose hash is `expected`.
    #[must_use]
    pub fn new(state: State, expected: StateHash) -> Self {
        Self {
            state,
            expected,
            profiles: Copy::default(),
            identifiers: Copy::default(),
            traits: Copy::default(),
            requests: Copy::default(),
            read: Vec::with_capacity(TOGETHER),
            marks: Vec::new(),
        }
    }

    /// Takes rows of profiles: serial, create time, source, imported merges, merged into; in the order of the serials.
    pub fn profiles(&mut self, chunk: &[u8]) -> Result<(), Unfit> {
        let state = &mut self.state;
        self.profiles.feed(chunk, |row| Ok(fit(state.load_profile(&profile(row)?))?))
    }

    /// Takes rows of identifiers, after all profiles: digest, profile, type, time added, day seen, exclusive.
    pub fn identifiers(&mut self, chunk: &[u8]) -> Result<(), Unfit> {
        let (state, read) = (&mut self.state, &mut self.read);
        self.identifiers.feed(chunk, |row| {
            read.push(identifier(row, state)?);
            if read.len() == TOGETHER { take(state, read) } else { Ok(()) }
        })?;
        take(state, read)
    }

    /// Takes rows of traits: profile, name, value, time, seq, position.
    pub fn traits(&mut self, chunk: &[u8]) -> Result<(), Unfit> {
        let state = &mut self.state;
        self.traits.feed(chunk, |[profile, name, value, time, seq, position]| {
            let at = (Micros(bigint(time)?), Seq(unsigned(seq)?), Position(small(position)?));
            state.load_trait(serial(profile)?, text(name)?, value, at);
            Ok(())
        })
    }

    /// Takes rows of request ids: digest, fingerprint, commit time, seq.
    pub fn requests(&mut self, chunk: &[u8]) -> Result<(), Unfit> {
        let marks = &mut self.marks;
        self.requests.feed(chunk, |[digest, fingerprint, time, seq]| {
            let mark = RequestMark {
                fingerprint: Digest::from_bytes(sixteen(fingerprint)?),
                time: Micros(bigint(time)?),
                seq: Seq(unsigned(seq)?),
                // Asked for only within the commit that used the id.
                position: Position(0),
            };
            marks.push((Digest::from_bytes(sixteen(digest)?), mark));
            Ok(())
        })
    }

    /// How many rows of all tables were taken.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.profiles.rows() + self.identifiers.rows() + self.traits.rows() + self.requests.rows()
    }

    /// Gives the state, if all rows came and they are those that the head's hash tells of.
    pub fn finish(mut self) -> Result<State, Unfit> {
        let complete = [
            self.profiles.is_complete(),
            self.identifiers.is_complete(),
            self.traits.is_complete(),
            self.requests.is_complete(),
        ];
        fit(complete.into_iter().all(|complete| complete))?;
        // They are forgotten in the order of their commits, whatever order the table gave.
        self.marks.sort_by_key(|(digest, mark)| (mark.time, mark.seq, *digest));
        for (digest, mark) in self.marks {
            self.state.load_request(digest, mark);
        }
        if self.state.finish_loading(self.expected) { Ok(self.state) } else { Err(Unfit::OtherHead) }
    }
}

pub(crate) fn profile(
    [serial_, create_time, source, imported_merges, merged_into]: Row<'_, 5>,
) -> Result<LoadedProfile, Misread> {
    Ok(LoadedProfile {
        serial: serial(serial_)?,
        create_time: Micros(bigint(create_time)?),
        source: optional_serial(source)?,
        imported_merges: small(imported_merges)?,
        merged_into: optional_serial(merged_into)?,
    })
}

/// Gives the state what was read.
fn take(state: &mut State, read: &mut Vec<Entry>) -> Result<(), Unfit> {
    state.make_room(read.len());
    let taken = state.load_identifiers(read);
    read.clear();
    taken.map_err(|misfit| match misfit {
        Misfit::NobodysRow => Unfit::Misread,
        Misfit::TwoOwners => Unfit::TwoOwners,
    })
}

fn identifier(row: Row<'_, 6>, state: &mut State) -> Result<Entry, Misread> {
    let [digest, profile, type_name, add_time, seen_day, exclusive] = row;
    Ok(Entry {
        digest: Digest::from_bytes(sixteen(digest)?),
        serial: serial(profile)?,
        type_id: state.load_type(text(type_name)?),
        add_time: Micros(bigint(add_time)?),
        seen_day: Day(int(seen_day)?),
        exclusive: boolean(exclusive)?,
    })
}

fn fit(fits: bool) -> Result<(), Misread> {
    if fits { Ok(()) } else { Err(Misread) }
}

pub(crate) fn serial(column: Option<&[u8]>) -> Result<Serial, Misread> {
    optional_serial(column)?.ok_or(Misread)
}

pub(crate) fn optional_serial(column: Option<&[u8]>) -> Result<Option<Serial>, Misread> {
    let number = u32::try_from(bigint(column)?).map_err(|_| Misread)?;
    Ok((number != 0).then_some(Serial(number)))
}

pub(crate) fn unsigned(column: Option<&[u8]>) -> Result<u64, Misread> {
    u64::try_from(bigint(column)?).map_err(|_| Misread)
}

pub(crate) fn small(column: Option<&[u8]>) -> Result<u32, Misread> {
    u32::try_from(int(column)?).map_err(|_| Misread)
}
