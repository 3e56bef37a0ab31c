//! Sessions of HTTP/2, first as they should be, then spoilt.

use fastrand::Rng;

use crate::behind;
use crate::bytes_of_http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
    call_headers, frame,
};
use crate::caller::{flagged, framed};
use crate::world::{BIG, ECHO, HOLD, REFUSE, STREAM};

const PATHS: [&str; 9] = [
    ECHO,
    REFUSE,
    HOLD,
    BIG,
    STREAM,
    behind::ECHO,
    behind::POUR,
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// The bytes that a peer sends, connection by connection spoilt in another way.
pub fn session(rng: &mut Rng) -> Vec<u8> {
    let mut frames = vec![frame(SETTINGS, 0, 0, &settings(rng))];
    for call in 0..rng.u32(1..20) {
        frames.extend(one_call(rng, 2 * call + 1));
    }
    frames.push(frame(SETTINGS, 1, 0, &[]));
    for _ in 0..rng.usize(0..4) {
        spoil(rng, &mut frames);
    }
    let mut bytes = if rng.u8(..) < 250 { PREFACE.to_vec() } else { b"GET / HTTP/1.1\r\n\r\n".to_vec() };
    bytes.extend(frames.concat());
    for _ in 0..rng.usize(0..3) {
        if rng.bool() && bytes.len() > PREFACE.len() {
            let place = rng.usize(PREFACE.len()..bytes.len());
            bytes[place] = rng.u8(..);
        }
    }
    if rng.u8(..) < 40 {
        bytes.truncate(rng.usize(..bytes.len()));
    }
    bytes
}

fn settings(rng: &mut Rng) -> Vec<u8> {
    let window = rng.choice([0, 1, 65_535, 0x7fff_ffff, 0x8000_0000_u32]).unwrap_or_default();
    let pairs = [(4_u16, window), (1, rng.choice([0, 4096, u32::MAX]).unwrap_or_default()), (5, 16_384), (6, 100)];
    let count = rng.usize(0..=pairs.len());
    pairs[..count].iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

fn one_call(rng: &mut Rng, stream: u32) -> Vec<Vec<u8>> {
    let path = rng.choice(PATHS).unwrap_or_default();
    let mut more = Vec::new();
    if rng.u8(..) < 60 {
        more.push(("grpc-encoding", rng.choice(["gzip", "deflate", "snappy", "identity"]).unwrap_or_default()));
    }
    if rng.u8(..) < 60 {
        more.push(("grpc-timeout", rng.choice(["0n", "1m", "99999999H", "x", ""]).unwrap_or_default()));
    }
    let headers = call_headers(path, &more);
    let message = if path == BIG { rng.usize(..100_000).to_string().into_bytes() } else { vec![1; rng.usize(..500)] };
    let body = match rng.u8(..8) {
        0 => Vec::new(),
        1 => flagged(rng.u8(..), &message).to_vec(),
        2 => vec![0, 0x7f, 0xff, 0xff, 0xff],
        3 => [&[0][..], &rng.u32(..2_000_000).to_be_bytes()].concat(),
        4 => [framed(&message), framed(&message), framed(b"")].concat(),
        5 => flagged(1, &bomb()).to_vec(),
        _ => framed(&message).to_vec(),
    };
    let end = if rng.u8(..) < 200 { END_STREAM } else { 0 };
    let mut frames = vec![frame(HEADERS, END_HEADERS, stream, &headers)];
    let pieces: Vec<&[u8]> = if rng.bool() { vec![&body] } else { body.chunks(3).collect() };
    frames.extend(pieces.iter().map(|piece| frame(DATA, 0, stream, piece)));
    frames.push(frame(DATA, end, stream, &[]));
    frames
}

/// A megabyte and a half in some bytes.
fn bomb() -> Vec<u8> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&[0; 16 * 1024].repeat(96)).unwrap();
    encoder.finish().unwrap()
}

fn spoil(rng: &mut Rng, frames: &mut Vec<Vec<u8>>) {
    let place = rng.usize(..frames.len());
    let stream = 2 * rng.u32(..20) + 1;
    match rng.u8(..12) {
        0 => frames[place].truncate(9),
        1 => frames.insert(place, frames[place].clone()),
        2 => frames.swap_remove(place).clear(),
        3 => frames[place][..3].copy_from_slice(&rng.u32(..).to_be_bytes()[1..]),
        4 => frames[place][3] = rng.u8(..16),
        5 => frames[place][4] = rng.u8(..),
        6 => frames[place].splice(5..9, rng.u32(..).to_be_bytes()).for_each(drop),
        7 => flood(rng, frames, place),
        8 => frames.insert(place, frame(RST_STREAM, 0, stream, &rng.u32(..20).to_be_bytes())),
        9 => {
            let by = rng.choice([0, 1, 0x7fff_ffff, 0xffff_ffff_u32]).unwrap_or_default();
            let of = if rng.bool() { 0 } else { stream };
            frames.insert(place, frame(WINDOW_UPDATE, 0, of, &by.to_be_bytes()));
        }
        10 => rng.shuffle(frames),
        _ => frames.insert(place, frame(HEADERS, END_HEADERS, stream, &bomb_of_headers(rng))),
    }
    if frames.is_empty() {
        frames.push(frame(PING, 0, 0, &[0; 8]));
    }
}

fn flood(rng: &mut Rng, frames: &mut Vec<Vec<u8>>, place: usize) {
    let number = 2 * rng.u32(20..40) + 1;
    let one = match rng.u8(..5) {
        0 => frame(PING, 0, 0, &[7; 8]),
        1 => frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]),
        2 => frame(CONTINUATION, 0, number, &block(&[("x", "y")])),
        3 => frame(DATA, 0, number, &[]),
        _ => [
            frame(HEADERS, END_HEADERS | END_STREAM, number, &call_headers(HOLD, &[])),
            frame(RST_STREAM, 0, number, &8_u32.to_be_bytes()),
        ]
        .concat(),
    };
    if rng.bool() {
        frames.insert(place, frame(HEADERS, 0, number, &call_headers(ECHO, &[])));
    }
    frames.insert(place, one.repeat(rng.usize(1..3000)));
}

/// One long header in the table, asked for over and over: a byte each.
fn bomb_of_headers(rng: &mut Rng) -> Vec<u8> {
    let mut headers = call_headers(ECHO, &[]);
    let long = "z".repeat(rng.usize(1..4000));
    let mut kept = block(&[("x-long", &long)]);
    kept[0] = 0x40;
    headers.extend(kept);
    headers.extend(vec![0xbe; rng.usize(..12_000)]);
    headers
}
