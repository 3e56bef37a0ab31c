//! What accidents do to bytes: a bit turns over, a piece is lost, comes twice, is overwritten or zero, the end is missing.

use crate::drawing::Draw;

/// Spoils bytes at one to three places.
pub fn spoil(draw: &mut Draw<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..=draw.below(3) {
        once(draw, bytes);
    }
}

fn once(draw: &mut Draw<'_>, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let place = draw.below(bytes.len());
    let end = (place + 1 + draw.below(24)).min(bytes.len());
    match draw.below(8) {
        0..3 => bytes[place] ^= 1 << draw.below(8),
        3 => bytes[place] = draw.byte(),
        4 => {
            bytes.drain(place..end);
        }
        5 => {
            let piece = bytes[place..end].to_vec();
            let elsewhere = draw.below(bytes.len() + 1);
            bytes.splice(elsewhere..elsewhere, piece);
        }
        6 => bytes[place..end].fill(0),
        _ => bytes.truncate(place),
    }
}
