//! Calls as the engine sees them: decoded, their shape checked, nothing normalised yet.

use std::borrow::Cow;
use std::fmt;

use crate::ids::{Micros, ProfileId};

/// One identifier as the caller sent it; of a decoded call, a piece of the request's own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawIdentifier<'c> {
    /// The identifier type.
    pub type_name: Cow<'c, str>,
    /// The value.
    pub value: Cow<'c, str>,
}

/// The kind of a call. The numbers are those of `utterson.v1.CallKind`; a Search is never recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum CallKind {
    /// Who is this? (I3, M1–M10)
    Identify = 1,
    /// A person logs in (I4).
    Login = 2,
    /// A person logs out (I6).
    Logout = 3,
    /// An event.
    Track = 4,
    /// Identifiers of one profile change (I7).
    Modify = 5,
    /// A graph is taken over.
    Import = 6,
    /// Which profile would Identify return? (I8)
    Search = 7,
}

/// How fresh an answer that changes nothing must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The server's setting.
    Default,
    /// The log's head is confirmed first.
    Strong,
    /// This replica's memory will do.
    Local,
}

/// A trait that a call writes; no value removes it (rule M8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTrait {
    /// The trait's name.
    pub name: String,
    /// The encoded value; `None` removes the trait.
    pub value: Option<Vec<u8>>,
}

/// What a Track call carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEvent {
    /// The event's name.
    pub name: String,
    /// The encoded properties; empty where there are none.
    pub properties: Vec<u8>,
    /// The sender's own id of the event; may be empty.
    pub message_id: String,
}

/// One change that a Modify asks for (rule I7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawChange {
    /// The identifier type.
    pub type_name: String,
    /// The value to replace or remove; empty to add.
    pub old_value: String,
    /// The value to set; empty to remove.
    pub new_value: String,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'c> {
    /// What is asked.
    pub kind: CallKind,
    /// The identifiers, in the caller's order.
    pub identifiers: Vec<RawIdentifier<'c>>,
    /// The profile that the caller was last told.
    pub previous_profile: Option<ProfileId>,
    /// When it happened; `None` means now.
    pub event_time: Option<Micros>,
    /// Makes the call repeatable; may be empty (rule C7).
    pub request_id: Cow<'c, str>,
    /// Change nothing (rule C9).
    pub validate_only: bool,
    /// Tell why (rule C10).
    pub explain: bool,
    /// How fresh an answer that changes nothing must be.
    pub consistency: Consistency,
    /// Traits of an Identify or Login, ordered by name.
    pub traits: Vec<RawTrait>,
    /// The event of a Track.
    pub event: RawEvent,
    /// The profile of a Modify.
    pub profile: ProfileId,
    /// The changes of a Modify.
    pub changes: Vec<RawChange>,
}

impl Call<'_> {
    /// A call of this kind that carries nothing yet.
    #[must_use]
    pub fn new(kind: CallKind) -> Self {
        Self {
            kind,
            identifiers: Vec::new(),
            previous_profile: None,
            event_time: None,
            request_id: Cow::Borrowed(""),
            validate_only: false,
            explain: false,
            consistency: Consistency::Default,
            traits: Vec::new(),
            event: RawEvent::default(),
            profile: ProfileId(0),
            changes: Vec::new(),
        }
    }
}

/// Where a profile stands in the stream of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportPlace {
    /// The message, from 0.
    pub message: usize,
    /// Which of the message's many profiles; `None` where the message is the profile.
    pub within: Option<usize>,
}

impl fmt::Display for ImportPlace {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "messages[{}]", self.message)?;
        self.within.map_or(Ok(()), |within| write!(to, ".profiles[{within}]"))
    }
}

/// One profile of a graph that is taken over.
#[derive(Clone, Debug)]
pub struct ImportRow<'c> {
    /// Where it stands, to name it where something is wrong.
    pub place: ImportPlace,
    /// The profile's identifiers.
    pub identifiers: Vec<RawIdentifier<'c>>,
    /// The profile's traits, ordered by name.
    pub traits: Vec<RawTrait>,
    /// When the profile was made; `None` means now.
    pub create_time: Option<Micros>,
    /// Merges that the profile has behind it.
    pub merges: u32,
}
