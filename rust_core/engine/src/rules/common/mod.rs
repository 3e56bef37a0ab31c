//! Rules of both families, C1 to C13 and M8, and what the rules of both share: preparing a call's identifiers, putting
//! one onto a profile, noting it as seen, storing events, the changes of a Modify, and telling what became of each.

pub(crate) mod c10_say_why;
pub mod c11_time;
pub(crate) mod c12_invalid;
pub(crate) mod c13_bounds;
pub mod c1_normalise;
pub mod c2_refuse;
pub(crate) mod c3_block;
pub(crate) mod c4_unlisted;
pub(crate) mod c5_nothing_usable;
pub(crate) mod c6_duplicates;
pub mod c7_once;
pub(crate) mod c8_order;
pub(crate) mod c9_dry_run;
pub(crate) mod dispositions;
pub(crate) mod events;
pub(crate) mod m8_traits;
pub(crate) mod modify;
pub(crate) mod no_match;
pub mod prepare;
pub(crate) mod put;
pub(crate) mod seen;
