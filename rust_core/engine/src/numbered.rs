//! Closed sets whose members have numbers on the wire.

/// A closed set whose members have numbers on the wire; 0 is «unset» and never a member.
pub trait Numbered: Copy + 'static {
    /// Every member, in the order of numbers.
    const ALL: &'static [Self];

    /// The member of this number; `None` for 0 and for numbers that this version does not know.
    fn from_number(number: i32) -> Option<Self>;

    /// The number on the wire.
    fn number(self) -> i32;
}

macro_rules! numbered {
    ($(#[$about:meta])* $name:ident { $($(#[$member_about:meta])* $member:ident = $number:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$member_about])* $member = $number,)+
        }

        impl $crate::numbered::Numbered for $name {
            const ALL: &'static [Self] = &[$(Self::$member,)+];

            fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$member),)+
                    _ => None,
                }
            }

            fn number(self) -> i32 {
                self as i32
            }
        }
    };
}

pub(crate) use numbered;
