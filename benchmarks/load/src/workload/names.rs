//! Values that look real and never meet by accident, made from a number and nothing else: no table is kept.

use utterson_codec::proto::v1;

const GIVEN: [&str; 16] = [
    "amelia", "noah", "ines", "mateo", "sofia", "liam", "yuki", "omar", "freya", "arjun", "zoe", "lukas", "nadia",
    "tomas", "leila", "henry",
];
const FAMILY: [&str; 16] = [
    "okafor", "novak", "martin", "silva", "haas", "kim", "rossi", "jensen", "patel", "moreau", "ibrahim", "weber",
    "santos", "tanaka", "murphy", "cohen",
];
const HOSTS: [&str; 4] = ["example.com", "example.org", "mail.example.net", "post.example"];

/// An identifier type that the presets know, or take as it comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Type {
    /// A user, in the merge family.
    UserId,
    /// A customer, in the isolation family.
    CustomerId,
    /// A mail address.
    Email,
    /// A device, in the merge family.
    DeviceId,
    /// A browser.
    AnonymousId,
    /// An advertising id.
    Gaid,
    /// A device, in the isolation family.
    Idfv,
    /// A visitor of a page.
    AmpId,
    /// One application on one device.
    DeviceApplicationStamp,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::UserId => "user_id",
            Type::CustomerId => "customer_id",
            Type::Email => "email",
            Type::DeviceId => "device_id",
            Type::AnonymousId => "anonymous_id",
            Type::Gaid => "gaid",
            Type::Idfv => "idfv",
            Type::AmpId => "amp_id",
            Type::DeviceApplicationStamp => "device_application_stamp",
        }
    }
}

/// Makes the values of one workspace.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    salt: u64,
}

impl Names {
    /// Of one workspace.
    pub fn new(salt: u64) -> Self {
        Self { salt: mix(salt) }
    }

    /// The value of a type that belongs to a number.
    pub fn identifier(self, of: Type, number: u64) -> v1::Identifier {
        let value = match of {
            Type::UserId => format!("usr_{:016x}", self.mixed(number)),
            Type::CustomerId => format!("cus_{:016x}", self.mixed(number)),
            Type::Email => return self.email(number, 0),
            Type::DeviceId
            | Type::AnonymousId
            | Type::Gaid
            | Type::Idfv
            | Type::AmpId
            | Type::DeviceApplicationStamp => self.unique_id(of as u64, number),
        };
        v1::Identifier { r#type: of.name().to_owned(), value }
    }

    /// A person's mail address after so many changes.
    pub fn email(self, number: u64, changes: u8) -> v1::Identifier {
        let pick = |table: &'static [&str], shift: u32| {
            let length = table.len() as u64;
            table[usize::try_from((self.mixed(number) >> shift) % length).expect("an index")]
        };
        let plus = if changes == 0 { String::new() } else { format!("+{changes}") };
        let (given, family, host) = (pick(&GIVEN, 0), pick(&FAMILY, 8), pick(&HOSTS, 16));
        let value = format!("{given}.{family}.{:06x}{number}{plus}@{host}", self.salt & 0x00ff_ffff);
        v1::Identifier { r#type: Type::Email.name().to_owned(), value }
    }

    /// The id of an event, or of a call.
    pub fn message_id(self, number: u64) -> String {
        self.unique_id(1 << 8, number)
    }

    /// Whether a number is among so many in ten.
    pub fn is_among(self, number: u64, in_ten: u64) -> bool {
        mix(self.salt ^ !number) % 10 < in_ten
    }

    /// One to one in the number.
    fn mixed(self, number: u64) -> u64 {
        mix(self.salt ^ number)
    }

    /// A UUID of version 4 by its looks.
    fn unique_id(self, space: u64, number: u64) -> String {
        let high = mix(self.salt ^ mix(space) ^ number);
        let low = mix(high ^ self.salt.rotate_left(32));
        let (first, second) = (high >> 32, high >> 16 & 0xffff);
        let (third, fourth) = (high & 0x0fff, low >> 48 & 0x3fff | 0x8000);
        format!("{first:08x}-{second:04x}-4{third:03x}-{fourth:04x}-{:012x}", low & 0xffff_ffff_ffff)
    }
}

/// Spreads the bits of a number; one to one (the finalizer of `SplitMix64`).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn values_never_meet() {
        let mut seen = HashSet::new();
        for salt in [1, 2] {
            for of in [Type::UserId, Type::Email, Type::DeviceId, Type::AnonymousId, Type::Gaid] {
                for number in 0..20_000 {
                    assert!(seen.insert(Names::new(salt).identifier(of, number).value));
                }
            }
            for number in 0..1000 {
                assert!(seen.insert(Names::new(salt).email(number, 1).value));
            }
        }
    }

    #[test]
    fn values_look_real() {
        let names = Names::new(7);
        let device = names.identifier(Type::DeviceId, 5).value;
        assert_eq!(device.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(names.identifier(Type::Email, 5).value.contains('@'));
        let known = (0..10_000).filter(|number| names.is_among(*number, 7)).count();
        assert!((6_800..7_200).contains(&known), "{known}");
    }
}
