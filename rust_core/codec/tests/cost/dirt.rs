//! Dirty values in the place of clean ones.

use utterson_codec::proto::v1;

/// What real senders put where a clean value was: what is blocked, invalid, or of another form.
const DIRTY: [&str; 10] = [
    "null",
    "",
    "00000000-0000-0000-0000-000000000000",
    "N/A",
    "Ann@Straße.example",
    " padded@example.com ",
    "zero\u{200b}width@example.com",
    "JU\u{308}RGEN@EXAMPLE.COM",
    "undefined",
    "علی\u{200c}رضا",
];

/// Puts a dirty value in the place of every tenth, but never of the first of a call.
pub fn soil(calls: &mut [v1::IdentifyRequest]) {
    let mut count = 0;
    for one in calls.iter_mut().flat_map(|call| call.identifiers.iter_mut().skip(1)) {
        count += 1;
        // Two of three are looked at, so that three of twenty of them are a tenth of all.
        if count % 20 < 3 {
            DIRTY[count % DIRTY.len()].clone_into(&mut one.value);
        }
    }
}
