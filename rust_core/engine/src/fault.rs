//! Why a call is refused. A fault never holds an identifier's value.

/// The stable reason of a fault: those that the core gives. The numbers are those of `utterson.v1.ErrorReason`, whose
/// other reasons are the server's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Reason {
    /// A field breaks its rule; the violations name it.
    FieldInvalid = 1,
    /// The bytes are not a message of the type asked for.
    MalformedRequest = 2,
    /// No identifier is left after C3 and C4 (rule C5).
    NoUsableIdentifier = 3,
    /// A Login without a login identifier (rule I4).
    LoginIdentifierRequired = 4,
    /// Two different values of one unique type in a call.
    TwoValuesOfUniqueType = 5,
    /// The policy rejects unlisted types (rule C4).
    TypeRejected = 6,
    /// A change with neither an old nor a new value (rule I7).
    EmptyChange = 7,
    /// The policy contradicts itself; the violations name every fault.
    PolicyInvalid = 8,
    /// No profile of this id in the workspace.
    ProfileNotFound = 12,
    /// A Search without a hit.
    NoMatch = 13,
    /// The request or message id was used with another content (rule C7).
    RequestIdReused = 15,
    /// An immutable identifier would change (rule I7).
    ImmutableIdentifier = 16,
    /// Other profiles hold all identifiers of the call (rule I5).
    IdentifiersHeldByOthers = 17,
    /// The changed profile would break a limit (rule M11).
    LimitExceeded = 18,
    /// Stored data forbids this change of the policy.
    PolicyChangeForbidden = 19,
    /// This replica did not reach the revision in time.
    RevisionNotReached = 29,
    /// A bug.
    InternalFault = 32,
}

impl Reason {
    /// The number in `utterson.v1.ErrorReason`.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// One field that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// The field's path within the request, for example `identifiers[3].value`.
    pub field: String,
    /// What is wrong with it and what to do; never a value.
    pub description: String,
}

impl Violation {
    /// A violation of the field at `field`.
    #[must_use]
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// What a fault is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A workspace, by its id.
    Workspace(String),
    /// A profile, by its public id.
    Profile(i64),
}

/// A refusal: nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The stable reason.
    pub reason: Reason,
    /// One sentence that says what to do; never a value.
    pub message: String,
    /// The fields at fault, in the request's order; empty where no field is at fault.
    pub violations: Vec<Violation>,
    /// What the fault is about, where that is a workspace or a profile.
    pub resource: Option<Resource>,
}

impl Fault {
    /// A fault that names no field.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), violations: Vec::new(), resource: None }
    }

    /// A fault of one field, for example `("identifiers[0].value", "must not be empty")`.
    #[must_use]
    pub fn field(path: impl Into<String>, description: impl Into<String>) -> Self {
        Self::fields(Reason::FieldInvalid, vec![Violation::new(path, description)])
    }

    /// A fault of several fields; the message tells the first one.
    #[must_use]
    pub fn fields(reason: Reason, violations: Vec<Violation>) -> Self {
        let message = match &violations[..] {
            [] => String::from("the request breaks a rule"),
            [only] => format!("{}: {}", only.field, only.description),
            [first, more @ ..] => {
                format!("{}: {}; the details name all {} faults", first.field, first.description, more.len() + 1)
            }
        };
        Self { reason, message, violations, resource: None }
    }

    /// The fault of a policy that contradicts itself: every fault is named.
    #[must_use]
    pub fn policy(violations: Vec<Violation>) -> Self {
        Self::fields(Reason::PolicyInvalid, violations)
    }

    /// The same fault, about a resource.
    #[must_use]
    pub fn about(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_sentence() {
        assert_eq!(Fault::field("a", "must not be empty").message, "a: must not be empty");
        let both = vec![Violation::new("a", "must be short"), Violation::new("b", "must be long")];
        let fault = Fault::policy(both.clone());
        assert_eq!(fault.message, "a: must be short; the details name all 2 faults");
        assert_eq!((fault.reason, fault.violations), (Reason::PolicyInvalid, both));
    }

    #[test]
    fn the_numbers_are_those_of_the_proto() {
        let proto = include_str!("../../../proto/utterson/v1/error_reason.proto");
        for (name, reason) in [
            ("FIELD_INVALID", Reason::FieldInvalid),
            ("NO_USABLE_IDENTIFIER", Reason::NoUsableIdentifier),
            ("TYPE_REJECTED", Reason::TypeRejected),
            ("POLICY_INVALID", Reason::PolicyInvalid),
            ("PROFILE_NOT_FOUND", Reason::ProfileNotFound),
            ("IMMUTABLE_IDENTIFIER", Reason::ImmutableIdentifier),
            ("REVISION_NOT_REACHED", Reason::RevisionNotReached),
            ("INTERNAL_FAULT", Reason::InternalFault),
        ] {
            assert!(proto.contains(&format!("ERROR_REASON_{name} = {};", reason.number())), "{name}");
        }
    }
}
