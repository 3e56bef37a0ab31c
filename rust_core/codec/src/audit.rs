//! The audit of the tables' rows, fed as chunks of Postgres' binary COPY.

use utterson_engine::ids::{Micros, Position, Seq};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::keyed::state_hash::StateHash;
use utterson_engine::state::audit::{Audit, AuditedIdentifier, Disagreement};

use crate::copy::{Copy, Misread, bigint, sixteen, text};
use crate::load::{optional_serial, profile, serial, small, unsigned};

/// An audit under way.
#[derive(Debug)]
pub struct Auditing {
    audit: Audit,
    expected: StateHash,
    profiles: Copy<5>,
    identifiers: Copy<5>,
    traits: Copy<6>,
    events: Copy<5>,
}

impl Auditing {
    /// Begins an audit of a workspace with this secret key; the hash at the snapshot's head is `expected`.
    #[must_use]
    pub fn new(digest_key: &[u8; 16], expected: StateHash) -> Self {
        Self {
            audit: Audit::new(digest_key),
            expected,
            profiles: Copy::default(),
            identifiers: Copy::default(),
            traits: Copy::default(),
            events: Copy::default(),
        }
    }

    /// Takes rows of profiles: serial, create time, source, imported merges, merged into; in the order of the serials.
    pub fn profiles(&mut self, chunk: &[u8]) -> Result<(), Misread> {
        let audit = &mut self.audit;
        self.profiles.feed(chunk, |row| {
            audit.profile(&profile(row)?);
            Ok(())
        })
    }

    /// Takes rows of identifiers, after all profiles: digest, profile, type, normalised value, time added.
    pub fn identifiers(&mut self, chunk: &[u8]) -> Result<(), Misread> {
        let audit = &mut self.audit;
        self.identifiers.feed(chunk, |[digest, profile, type_name, normalized, add_time]| {
            audit.identifier(&AuditedIdentifier {
                digest: Digest::from_bytes(sixteen(digest)?),
                serial: serial(profile)?,
                type_name: text(type_name)?,
                normalized: text(normalized)?,
                add_time: Micros(bigint(add_time)?),
            });
            Ok(())
        })
    }

    /// Takes rows of traits, after all profiles: profile, name, value, time, seq, position.
    pub fn traits(&mut self, chunk: &[u8]) -> Result<(), Misread> {
        let audit = &mut self.audit;
        self.traits.feed(chunk, |[profile, name, value, time, seq, position]| {
            let at = (Micros(bigint(time)?), Seq(unsigned(seq)?), Position(small(position)?));
            audit.set_trait(serial(profile)?, text(name)?, value, at);
            Ok(())
        })
    }

    /// Takes rows of events, after all profiles: profile, time, seq, position, record.
    pub fn events(&mut self, chunk: &[u8]) -> Result<(), Misread> {
        let audit = &mut self.audit;
        self.events.feed(chunk, |[profile, time, seq, position, record]| {
            let at = (Micros(bigint(time)?), Seq(unsigned(seq)?), Position(small(position)?));
            audit.event(optional_serial(profile)?, at, record.ok_or(Misread)?);
            Ok(())
        })
    }

    /// How many rows of all tables were taken.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.profiles.rows() + self.identifiers.rows() + self.traits.rows() + self.events.rows()
    }

    /// Ends the audit, if all rows came: everything that is wrong, each with how often.
    pub fn finish(self) -> Result<Vec<(Disagreement, u64)>, Misread> {
        let complete = [
            self.profiles.is_complete(),
            self.identifiers.is_complete(),
            self.traits.is_complete(),
            self.events.is_complete(),
        ];
        if complete.into_iter().all(|complete| complete) { Ok(self.audit.finish(self.expected)) } else { Err(Misread) }
    }
}
