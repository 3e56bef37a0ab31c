//! The holders of an identifier that has several, by serial, split by whether they are known (rule I1): a small
//! sorted list while they are few, two trees when they are many.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::ids::Serial;
use crate::state::index::Holders;

/// More holders than this become trees.
const FEW_MAX: usize = 16;
/// Fewer holders than this become a list again.
const MANY_MIN: usize = 8;

/// One holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Who.
    pub serial: u32,
    /// Where its entry is.
    pub place: u32,
    /// Whether it is known.
    pub known: bool,
}

/// The holders of one identifier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posting(Form);

#[derive(Clone, Debug)]
enum Form {
    /// By serial.
    Few(SmallVec<[Holder; 2]>),
    /// By side and serial.
    Many(Box<Sides>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

#[derive(Clone, Debug, Default)]
struct Sides {
    anonymous: BTreeMap<u32, u32>,
    known: BTreeMap<u32, u32>,
}

impl Sides {
    fn side(&self, holders: Holders) -> &BTreeMap<u32, u32> {
        match holders {
            Holders::Anonymous => &self.anonymous,
            Holders::Known => &self.known,
        }
    }

    fn put(&mut self, holder: Holder) {
        let (to, from) =
            if holder.known { (&mut self.known, &mut self.anonymous) } else { (&mut self.anonymous, &mut self.known) };
        from.remove(&holder.serial);
        to.insert(holder.serial, holder.place);
    }

    fn holders(&self) -> impl Iterator<Item = Holder> {
        self.behind(None)
    }

    fn behind(&self, one: Option<Holder>) -> impl Iterator<Item = Holder> {
        let from = one.map_or(0, |one| one.serial + 1);
        let (anonymous, known) = match one {
            Some(Holder { known: true, .. }) => (u32::MAX, from),
            Some(_) | None => (from, 0),
        };
        let anonymous = self.anonymous.range(anonymous..);
        let anonymous = anonymous.map(|(&serial, &place)| Holder { serial, place, known: false });
        anonymous.chain(self.known.range(known..).map(|(&serial, &place)| Holder { serial, place, known: true }))
    }
}

impl Posting {
    /// How many holders there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Few(few) => few.len(),
            Form::Many(sides) => sides.anonymous.len() + sides.known.len(),
        }
    }

    /// Whether nobody is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a profile's entry is.
    pub fn get(&self, serial: u32) -> Option<u32> {
        match &self.0 {
            Form::Few(few) => few.iter().find(|holder| holder.serial == serial).map(|holder| holder.place),
            Form::Many(sides) => sides.anonymous.get(&serial).or_else(|| sides.known.get(&serial)).copied(),
        }
    }

    /// Where any one entry is.
    pub fn any(&self) -> Option<u32> {
        match &self.0 {
            Form::Few(few) => few.first().map(|holder| holder.place),
            Form::Many(sides) => sides.holders().next().map(|holder| holder.place),
        }
    }

    /// How many holders of a kind there are.
    pub fn count(&self, holders: Holders) -> usize {
        match &self.0 {
            Form::Few(few) => few.iter().filter(|holder| is(holder, holders)).count(),
            Form::Many(sides) => sides.side(holders).len(),
        }
    }

    /// The holders of a kind, newest first.
    pub fn newest_first(&self, holders: Holders) -> impl Iterator<Item = Serial> {
        let (few, many) = match &self.0 {
            Form::Few(few) => (Some(few), None),
            Form::Many(sides) => (None, Some(sides.side(holders))),
        };
        let few = few.into_iter().flat_map(|few| few.iter().rev());
        let few = few.filter(move |holder| is(holder, holders)).map(|holder| Serial(holder.serial));
        few.chain(many.into_iter().flat_map(|side| side.keys().rev().map(|&serial| Serial(serial))))
    }

    /// The holders: anonymous ones first where they are many; behind one, if that is told. The few are always told whole.
    pub fn behind(&self, one: Option<Holder>) -> impl Iterator<Item = Holder> {
        let (few, many) = match &self.0 {
            Form::Few(few) => (Some(few), None),
            Form::Many(sides) => (None, Some(sides)),
        };
        let few = few.into_iter().flat_map(|few| few.iter().copied());
        few.chain(many.into_iter().flat_map(move |sides| sides.behind(one)))
    }

    /// Adds a holder, or moves it to where it belongs now.
    pub fn put(&mut self, holder: Holder) {
        match &mut self.0 {
            Form::Few(few) => match few.binary_search_by_key(&holder.serial, |one| one.serial) {
                Ok(at) => few[at] = holder,
                Err(at) => few.insert(at, holder),
            },
            Form::Many(sides) => sides.put(holder),
        }
        self.choose_form();
    }

    /// Removes a holder.
    pub fn remove(&mut self, serial: u32) {
        match &mut self.0 {
            Form::Few(few) => few.retain(|holder| holder.serial != serial),
            Form::Many(sides) => {
                sides.anonymous.remove(&serial);
                sides.known.remove(&serial);
            }
        }
        self.choose_form();
    }

    /// Takes the form that suits the number of holders.
    fn choose_form(&mut self) {
        let number = self.len();
        let other = match &self.0 {
            Form::Few(few) if number > FEW_MAX => {
                let mut sides = Sides::default();
                few.iter().for_each(|&holder| sides.put(holder));
                Form::Many(Box::new(sides))
            }
            Form::Many(sides) if number < MANY_MIN => {
                let mut few: SmallVec<[Holder; 2]> = sides.holders().collect();
                few.sort_unstable_by_key(|holder| holder.serial);
                Form::Few(few)
            }
            Form::Few(_) | Form::Many(_) => return,
        };
        self.0 = other;
    }
}

fn is(holder: &Holder, holders: Holders) -> bool {
    holder.known == (holders == Holders::Known)
}
