//! What profiles hold, each distinct combination once: of a million profiles with one email and one device each, all
//! have the same counts. A combination goes when the last profile that has it does.

use hashbrown::HashTable;

use crate::state::profiles::Profile;

#[derive(Clone, Debug)]
struct Shape {
    profile: Profile,
    /// How many profiles have it; a free row has none.
    references: u32,
}

/// The combinations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    rows: Vec<Shape>,
    free: Vec<u32>,
    table: HashTable<u32>,
}

/// Counts come from callers, but each step costs them an identifier: spreading is enough, secrecy is not needed.
fn hash_of(profile: &Profile) -> u64 {
    let mix = |hash: u64, number: u32| (hash ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let hash = mix(mix(mix(0, profile.identifiers), profile.logins), profile.merges);
    let hash = profile.counts.iter().fold(hash, |hash, &(type_id, count)| mix(mix(hash, type_id.0), count));
    hash ^ hash >> 32
}

impl Shapes {
    pub fn get(&self, shape: u32) -> &Profile {
        &self.rows[shape as usize].profile
    }

    /// The combination's number, for one more profile.
    pub fn take(&mut self, profile: &Profile) -> u32 {
        let hash = hash_of(profile);
        let Self { rows, free, table } = self;
        if let Some(&shape) = table.find(hash, |&shape| rows[shape as usize].profile == *profile) {
            rows[shape as usize].references += 1;
            return shape;
        }
        let row = Shape { profile: profile.clone(), references: 1 };
        let shape = if let Some(shape) = free.pop() {
            rows[shape as usize] = row;
            shape
        } else {
            rows.push(row);
            u32::try_from(rows.len() - 1).unwrap_or(u32::MAX)
        };
        table.insert_unique(hash, shape, |&shape| hash_of(&rows[shape as usize].profile));
        shape
    }

    /// One profile less has this combination.
    pub fn give_back(&mut self, shape: u32) {
        let row = &mut self.rows[shape as usize];
        row.references -= 1;
        if row.references > 0 {
            return;
        }
        if let Ok(found) = self.table.find_entry(hash_of(&row.profile), |&other| other == shape) {
            found.remove();
        }
        row.profile = Profile::default();
        self.free.push(shape);
    }

    /// How many combinations there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.table.len()
    }
}
