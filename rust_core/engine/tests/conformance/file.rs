//! The scenario files as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub policies: BTreeMap<String, PolicyText>,
    pub scenarios: Vec<Scenario>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    #[serde(default)]
    pub identifier_types: Vec<TypeText>,
    pub default_type: Option<TypeText>,
    pub unlisted_types: Option<String>,
    #[serde(default)]
    pub blocked: Vec<BlockedText>,
    #[serde(default)]
    pub blocked_lists: Vec<String>,
    pub invalid_identifiers: Option<String>,
    /// As protobuf JSON writes a duration: seconds, and an s.
    pub future_tolerance: Option<String>,
    pub merge: Option<MergeText>,
    pub isolation: Option<IsolationText>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypeText {
    pub name: String,
    pub unique: bool,
    pub login: bool,
    pub immutable: bool,
    pub normalization: Option<String>,
    pub region: String,
    pub blocked: Vec<BlockedText>,
    pub limit: Option<LimitText>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockedText {
    pub exact: Option<String>,
    pub regex: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitText {
    pub max_values: u32,
    pub window: Option<String>,
    pub scope: Option<String>,
    pub on_exceeded: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeText {
    pub max_merges: Option<u32>,
    pub max_identifiers: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsolationText {
    pub on_new_known_user: String,
    pub on_logout: String,
    pub login_match: Option<String>,
}

pub type Identifiers = BTreeMap<String, Vec<String>>;

#[derive(Debug, Deserialize)]
pub struct Scenario {
    pub id: String,
    pub policy: String,
    #[serde(default)]
    pub given: Vec<Given>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    pub profile: String,
    #[serde(default)]
    pub identifiers: Identifiers,
    #[serde(default)]
    pub merges: u32,
    #[serde(default)]
    pub further_identifiers: u32,
    pub created: Option<String>,
    #[serde(default, rename = "note")]
    pub _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub call: String,
    pub time: Option<String>,
    pub previous_profile: Option<String>,
    #[serde(default)]
    pub identifiers: Vec<BTreeMap<String, String>>,
    pub profile: Option<String>,
    #[serde(default)]
    pub changes: Vec<ChangeText>,
    pub expect: Expect,
    pub state: Option<BTreeMap<String, Identifiers>>,
    #[serde(default, rename = "note")]
    pub _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeText {
    #[serde(rename = "type")]
    pub type_name: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub error: Option<String>,
    pub outcome: Option<String>,
    pub profile: Option<String>,
    pub known: Option<bool>,
    pub source_profile: Option<String>,
    #[serde(default)]
    pub merged: Vec<String>,
    #[serde(default)]
    pub demoted: Vec<DemotedText>,
    #[serde(default)]
    pub blocked: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    pub invalid: Vec<BTreeMap<String, String>>,
    pub changed: Option<Vec<ChangedText>>,
    #[serde(default, rename = "note")]
    pub _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemotedText {
    pub identifier: BTreeMap<String, String>,
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedText {
    #[serde(rename = "type")]
    pub type_name: String,
    pub profile: String,
}
