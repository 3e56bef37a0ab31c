//! The closed sets of settings that a policy chooses from. Numbers are those of the enums in `utterson.v1`.

use crate::numbered::numbered;

numbered! {
    /// What happens to identifiers whose type the policy does not list (rule C4).
    UnlistedTypes {
        /// Taken with the default type's settings, ranked after all listed types.
        Accept = 1,
        /// Set aside and reported.
        Ignore = 2,
        /// The call is refused.
        Reject = 3,
    }
}

numbered! {
    /// The rolling time, by event time, over which added values count (rule M5).
    Window {
        /// Every held value counts.
        Ever = 1,
        /// 24 hours.
        Day = 2,
        /// 7 days.
        Week = 3,
        /// 30 days.
        Month = 4,
        /// 365 days.
        Year = 5,
    }
}

impl Window {
    /// The window's length in microseconds; `None` where every held value counts.
    #[must_use]
    pub const fn length_us(self) -> Option<i64> {
        const DAY_US: i64 = crate::ids::Micros::DAY_US;
        match self {
            Self::Ever => None,
            Self::Day => Some(DAY_US),
            Self::Week => Some(7 * DAY_US),
            Self::Month => Some(30 * DAY_US),
            Self::Year => Some(365 * DAY_US),
        }
    }
}

numbered! {
    /// When a limit is checked (rule M3.3).
    LimitScope {
        /// On every final profile.
        Always = 1,
        /// Only where the call carries the type.
        WhenPresent = 2,
    }
}

numbered! {
    /// What is demoted when a limit would be exceeded (rule M3.3).
    OnExceeded {
        /// The least trusted identifier of the call.
        DemoteLowest = 1,
        /// The value of the type that exceeds its limit.
        DemoteOffending = 2,
    }
}

numbered! {
    /// What a login identifier that no known profile holds leads to (rule I3).
    OnNewKnownUser {
        /// A new profile; nothing is carried over.
        CreateProfile = 1,
        /// A new profile that records which anonymous profile it came from.
        CreateLinkedProfile = 2,
        /// The anonymous profile becomes known.
        ConvertAnonymous = 3,
    }
}

numbered! {
    /// What a Logout leads to (rule I6).
    OnLogout {
        /// The anonymous profile of the device, or a new one.
        ReturnToAnonymous = 1,
        /// Always a new anonymous profile.
        CreateAnonymous = 2,
        /// The same as an Identify call without the login identifiers.
        Identify = 3,
    }
}

numbered! {
    /// Which login identifiers a profile and a call must have in common (rule I1).
    LoginMatch {
        /// One of them, though another one differs.
        Any = 1,
        /// One of the highest-ranked login type that both have.
        Highest = 2,
    }
}

numbered! {
    /// A named list of values that never identify anybody (rule C3).
    BlockedList {
        /// What programs and people write where there is no value.
        Placeholders = 1,
        /// Zeros and nothing else but separators.
        Zeros = 2,
        /// One digit six times or more, and nothing else but separators.
        Repeated = 3,
    }
}

numbered! {
    /// What happens to a value that cannot be an identifier's (rule C12).
    InvalidIdentifiers {
        /// The call is refused.
        Refuse = 1,
        /// The call goes on without it.
        SetAside = 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;

    #[test]
    fn numbers_come_back_and_strangers_do_not() {
        assert_eq!(Window::from_number(Window::Month.number()), Some(Window::Month));
        assert_eq!(Window::from_number(0), None);
        assert_eq!(OnLogout::from_number(4), None);
    }

    #[test]
    fn the_numbers_are_those_of_the_proto() {
        let proto = include_str!("../../../../proto/utterson/v1/policy.proto");
        for (name, number) in [
            ("UNLISTED_TYPES_REJECT", UnlistedTypes::Reject.number()),
            ("WINDOW_MONTH", Window::Month.number()),
            ("LIMIT_SCOPE_WHEN_PRESENT", LimitScope::WhenPresent.number()),
            ("ON_EXCEEDED_DEMOTE_OFFENDING", OnExceeded::DemoteOffending.number()),
            ("ON_NEW_KNOWN_USER_CREATE_LINKED_PROFILE", OnNewKnownUser::CreateLinkedProfile.number()),
            ("ON_LOGOUT_CREATE_ANONYMOUS", OnLogout::CreateAnonymous.number()),
            ("BLOCKED_LIST_REPEATED", BlockedList::Repeated.number()),
            ("INVALID_IDENTIFIERS_SET_ASIDE", InvalidIdentifiers::SetAside.number()),
            ("LOGIN_MATCH_HIGHEST", LoginMatch::Highest.number()),
        ] {
            assert!(proto.contains(&format!("{name} = {number};")), "{name}");
        }
    }
}
