//! What in a good policy is probably not what was meant: plain sentences without personal data, each with the line to
//! write instead where there is one.

use crate::normalize::{Normalization, Region, normalize, trim};
use crate::policy::settings::{Strategy, TypeSettings};
use crate::policy::spec::{BlockedSpec, LoginMatch, OnNewKnownUser, PolicySpec, TypeSpec, UnlistedTypes};
use crate::policy::{InvalidIdentifiers, Policy};
use crate::rules_version::RulesVersion;

/// The type that is one person's in both presets of the merge family.
const USER_ID: &str = "user_id";
/// Words of a type's name that say what its values are.
const OF_EMAIL: [&str; 5] = ["email", "emails", "mail", "mailbox", "emailaddress"];
const OF_PHONE: [&str; 11] =
    ["phone", "phones", "telephone", "tel", "mobile", "msisdn", "cell", "cellphone", "phonenumber", "whatsapp", "sms"];
/// Words that say that they are something else after all: a digest, or a device.
const OF_OTHERS: [&str; 11] =
    ["id", "hash", "hashed", "sha256", "sha1", "md5", "token", "device", "advertising", "ad", "uuid"];

/// Every warning about a policy.
pub(super) fn warnings(policy: &Policy) -> Vec<String> {
    let spec = &policy.spec;
    let mut warnings = Vec::new();
    of_strategy(policy, &mut warnings);
    if spec.default_type.is_some() && policy.unlisted != UnlistedTypes::Accept {
        warnings.push(String::from("default_type never applies: unlisted_types is not ACCEPT."));
    }
    of_old_rules(spec, &mut warnings);
    if !blocks_anything(spec) {
        warnings.push(String::from(
            "nothing is blocked: one switched-off advertising id, or the word null, puts everybody who sends it on one \
             profile; write \"blocked_lists\": [\"BLOCKED_LIST_PLACEHOLDERS\", \"BLOCKED_LIST_ZEROS\"].",
        ));
    }
    for (position, written) in spec.identifier_types.iter().enumerate() {
        let path = format!("identifier_types[{position}]");
        of_name(written, &path, &mut warnings);
        of_type(spec.rules_version, written, &path, &mut warnings);
    }
    if let Some(written) = &spec.default_type {
        of_type(spec.rules_version, written, "default_type", &mut warnings);
    }
    warnings
}

fn of_strategy(policy: &Policy, warnings: &mut Vec<String>) {
    match policy.strategy {
        Strategy::Isolation { on_new_known_user, login_match, .. } => {
            let creates = on_new_known_user != OnNewKnownUser::ConvertAnonymous;
            if creates && !policy.has_login_types() {
                warnings.push(String::from(
                    "on_new_known_user never applies: no identifier type has login set, so no profile is ever known.",
                ));
            }
            let login_types = policy.listed.iter().filter(|listed| listed.settings.login).count();
            if login_match == LoginMatch::Any && login_types > 1 {
                warnings.push(String::from(
                    "login_match is ANY and several types have login set: a new customer id beside an e-mail address that \
                     another customer holds gets that customer's profile; write \"login_match\": \"LOGIN_MATCH_HIGHEST\" in isolation \
                     to give it one of its own.",
                ));
            }
        }
        Strategy::Merge { .. } => of_limits(policy, warnings),
    }
}

/// Both presets of the family give every type a limit: `user_id` 1, others 5.
fn of_limits(policy: &Policy, warnings: &mut Vec<String>) {
    let is_boundless = |settings: Option<&TypeSettings>| settings.is_some_and(|settings| settings.limit.is_none());
    if is_boundless(policy.settings_of(USER_ID).settings()) {
        warnings.push(String::from(
            "user_id has no limit: a profile may come to hold the ids of many users; write {\"name\": \"user_id\", \
             \"limit\": {\"max_values\": 1}} in identifier_types.",
        ));
    }
    let listed = policy.listed.iter().enumerate().filter(|(_, listed)| *listed.name != *USER_ID);
    let boundless = listed.filter(|(_, listed)| is_boundless(Some(&listed.settings)));
    let mut paths: Vec<String> = boundless.map(|(position, _)| format!("identifier_types[{position}]")).collect();
    if policy.unlisted == UnlistedTypes::Accept && is_boundless(Some(&policy.default_type)) {
        paths.push(String::from("default_type"));
    }
    if !paths.is_empty() {
        warnings.push(format!(
            "no limit at {}: one shared value joins profiles without end; write \"limit\": {{\"max_values\": 5}} there.",
            paths.join(", ")
        ));
    }
}

fn of_old_rules(spec: &PolicySpec, warnings: &mut Vec<String>) {
    if spec.rules_version != RulesVersion::Zero {
        return;
    }
    let sets_aside = spec.invalid_identifiers == Some(InvalidIdentifiers::SetAside);
    let unused =
        [("invalid_identifiers SET_ASIDE", sets_aside), ("future_tolerance", spec.future_tolerance_us.is_some())];
    for (field, _) in unused.into_iter().filter(|&(_, written)| written) {
        warnings.push(format!("{field} never applies: this workspace was made by 0.1 and keeps its rules."));
    }
}

fn blocks_anything(spec: &PolicySpec) -> bool {
    let types = spec.identifier_types.iter().chain(&spec.default_type);
    !spec.blocked.is_empty() || !spec.blocked_lists.is_empty() || types.into_iter().any(|one| !one.blocked.is_empty())
}

/// Types whose name says that values are spelt in many ways, compared byte for byte.
fn of_name(written: &TypeSpec, path: &str, warnings: &mut Vec<String>) {
    if written.normalization.unwrap_or(Normalization::None) != Normalization::None {
        return;
    }
    let words: Vec<&str> = written.name.split(['_', '.']).collect();
    let has = |of: &[&str]| words.iter().any(|word| of.contains(word));
    // In India an email_id is an address; a hash of one is not.
    let is_digest = has(&OF_OTHERS[1..]);
    if has(&OF_EMAIL) && !is_digest {
        warnings.push(format!(
            "{path} is named like an e-mail address and compared byte for byte, so three spellings of one mailbox are \
             three people; write \"normalization\": \"NORMALIZATION_EMAIL\"."
        ));
    } else if has(&OF_PHONE) && !has(&OF_OTHERS) {
        warnings.push(format!(
            "{path} is named like a phone number and compared byte for byte, so three spellings of one number are three \
             people; write \"normalization\": \"NORMALIZATION_PHONE\", and \"region\": \"GB\" where numbers come without a +."
        ));
    }
}

fn of_type(rules: RulesVersion, written: &TypeSpec, path: &str, warnings: &mut Vec<String>) {
    let normalization = written.normalization.unwrap_or(Normalization::None);
    if !written.region.is_empty() && !normalization.uses_region() {
        warnings.push(format!("{path}.region has no effect: only PHONE uses a region."));
    }
    for (position, blocked) in written.blocked.iter().enumerate() {
        let BlockedSpec::Exact(exact) = blocked else { continue };
        // Values are compared as they are sent, trimmed, and in their form; in 0.1 in their form only.
        let may_be_sent = rules != RulesVersion::Zero && trim(exact) == exact;
        let is_form = normalize(rules, normalization, Region::parse(&written.region), exact).as_deref() == Ok(exact);
        if !may_be_sent && !is_form {
            warnings.push(format!(
                "{path}.blocked[{position}] never matches: it is compared with trimmed and normalised values, and is neither \
                 itself."
            ));
        }
    }
}

#[cfg(test)]
mod tests;
