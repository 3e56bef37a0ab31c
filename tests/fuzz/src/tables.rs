//! The tables as commits leave them, in the plainest way, and their rows as Postgres sends them to whoever loads them.

use std::collections::BTreeMap;

use utterson_engine::ids::Serial;
use utterson_engine::plan::Effect;

use crate::world::Committed;

/// A row's columns; `None` is NULL.
pub type Row = Vec<Option<Vec<u8>>>;

type Held = (String, i64, i32, bool);
type Written = (Option<Vec<u8>>, i64, u64, u32);

/// What the tables hold.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    profiles: BTreeMap<Serial, Person>,
    /// Type, time added, day seen, exclusive: by digest and profile.
    identifiers: BTreeMap<([u8; 16], Serial), Held>,
    /// Value, time, number and place of the commit: by profile and name.
    traits: BTreeMap<(Serial, String), Written>,
    /// Fingerprint, time and number of the commit.
    requests: BTreeMap<[u8; 16], ([u8; 16], i64, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Person {
    create_time: i64,
    source: Option<Serial>,
    merges: u32,
    into: Option<Serial>,
}

impl Tables {
    /// The tables after these entries of the log.
    #[must_use]
    pub fn of(log: &[Committed]) -> Self {
        let mut tables = Self::default();
        for one in log {
            for effect in &one.effects {
                tables.take(one, effect);
            }
        }
        tables
    }

    fn take(&mut self, one: &Committed, effect: &Effect) {
        match effect {
            Effect::CreateProfile { serial, create_time, source, merges } => {
                let person = Person { create_time: create_time.0, source: *source, merges: *merges, into: None };
                self.profiles.insert(*serial, person);
            }
            Effect::Attach(one) => {
                let row = (one.type_name.to_string(), one.add_time.0, one.seen_day.0, one.exclusive);
                self.identifiers.insert((one.digest.to_bytes(), one.serial), row);
            }
            Effect::Detach { digest, serial, .. } => {
                self.identifiers.remove(&(digest.to_bytes(), *serial));
            }
            Effect::Seen { digest, serial, day, .. } => {
                if let Some(row) = self.identifiers.get_mut(&(digest.to_bytes(), *serial)) {
                    row.2 = day.0;
                }
            }
            Effect::Merge { loser, survivor, .. } => {
                if let Some(person) = self.profiles.get_mut(loser) {
                    person.into = Some(*survivor);
                }
            }
            Effect::SetTrait { serial, name, value, time, position } => {
                let row = (value.clone(), time.0, one.entry.seq.0, position.0);
                self.traits.insert((*serial, name.clone()), row);
            }
            Effect::UseRequest { digest, fingerprint, .. } => {
                let row = (fingerprint.to_bytes(), one.entry.commit_time.0, one.entry.seq.0);
                self.requests.insert(digest.to_bytes(), row);
            }
            Effect::StoreEvent { .. } | Effect::ChangePolicy { .. } => {}
        }
    }

    /// The rows of profiles, in the order of the serials.
    #[must_use]
    pub fn profiles(&self) -> Vec<Row> {
        let row = |(serial, person): (&Serial, &Person)| {
            let of = |serial: Option<Serial>| Some(bigint(serial.map_or(0, |serial| i64::from(serial.0))));
            vec![
                of(Some(*serial)),
                Some(bigint(person.create_time)),
                of(person.source),
                Some(small(person.merges)),
                of(person.into),
            ]
        };
        self.profiles.iter().map(row).collect()
    }

    /// The rows of identifiers.
    #[must_use]
    pub fn identifiers(&self) -> Vec<Row> {
        let rows = self.identifiers.iter();
        rows.map(|((digest, serial), (name, add_time, day, exclusive))| {
            let (digest, exclusive) = (Some(digest.to_vec()), Some(vec![u8::from(*exclusive)]));
            let day = Some(day.to_be_bytes().to_vec());
            vec![
                digest,
                Some(bigint(i64::from(serial.0))),
                Some(name.clone().into_bytes()),
                Some(bigint(*add_time)),
                day,
                exclusive,
            ]
        })
        .collect()
    }

    /// The rows of traits.
    #[must_use]
    pub fn traits(&self) -> Vec<Row> {
        let rows = self.traits.iter();
        rows.map(|((serial, name), (value, time, seq, position))| {
            let (serial, name) = (Some(bigint(i64::from(serial.0))), Some(name.clone().into_bytes()));
            vec![
                serial,
                name,
                value.clone(),
                Some(bigint(*time)),
                Some(bigint(seq.cast_signed())),
                Some(small(*position)),
            ]
        })
        .collect()
    }

    /// The rows of used ids.
    #[must_use]
    pub fn requests(&self) -> Vec<Row> {
        let rows = self.requests.iter();
        rows.map(|(digest, (fingerprint, time, seq))| {
            vec![
                Some(digest.to_vec()),
                Some(fingerprint.to_vec()),
                Some(bigint(*time)),
                Some(bigint(seq.cast_signed())),
            ]
        })
        .collect()
    }
}

fn bigint(number: i64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn small(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// Rows as a binary COPY sends them.
#[must_use]
pub fn copied(rows: &[Row]) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
    bytes.extend([0; 8]);
    for row in rows {
        bytes.extend(u16::try_from(row.len()).unwrap_or(u16::MAX).to_be_bytes());
        for column in row {
            let length = column.as_ref().map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
            bytes.extend(length.to_be_bytes());
            bytes.extend(column.iter().flatten());
        }
    }
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}
