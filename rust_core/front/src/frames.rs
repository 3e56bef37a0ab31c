//! The frames of HTTP/2 as they pass by, and what those cost that concern all streams of a connection.
//!
//! A window that is set anew is a frame of fifteen bytes, and moves the windows of a thousand streams. The library takes as
//! many as come, so they are counted before it sees them: by what they make it do, not by their bytes.

use std::time::Instant;

const HEADER_BYTES: usize = 9;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;
/// Streams that a connection may have walked over at once, and in a second: some milliseconds. Clients that fit their
/// windows to the line set them a few times.
const WORK_MAX: u64 = 50_000;
const WORK_A_SECOND: u64 = 10_000;

/// The frames of one direction.
#[derive(Debug)]
pub struct Frames {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// Bytes that are still to come before the next header.
    missing: usize,
    last_stream: u32,
}

/// A frame whose header has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It begins a stream, or ends one.
    Headers,
    /// All streams are walked over because of it.
    ForAll,
    /// It concerns one stream, or none.
    Other,
}

impl Frames {
    /// The frames that begin after so many bytes of something else.
    pub fn after(bytes: usize) -> Self {
        Self { header: [0; HEADER_BYTES], header_bytes: 0, missing: bytes, last_stream: 0 }
    }

    /// Whether a frame has ended and the next one has not begun.
    pub fn is_between(&self) -> bool {
        self.missing == 0 && self.header_bytes == 0
    }

    /// Lets bytes pass, and tells of each frame whose header is there with them.
    pub fn pass(&mut self, mut bytes: &[u8], mut told: impl FnMut(Passed)) {
        loop {
            let (_, rest) = bytes.split_at(self.missing.min(bytes.len()));
            self.missing -= bytes.len() - rest.len();
            bytes = rest;
            let (piece, rest) = bytes.split_at((HEADER_BYTES - self.header_bytes).min(bytes.len()));
            self.header[self.header_bytes..self.header_bytes + piece.len()].copy_from_slice(piece);
            self.header_bytes += piece.len();
            bytes = rest;
            if self.header_bytes < HEADER_BYTES {
                return;
            }
            told(self.passed());
        }
    }

    fn passed(&mut self) -> Passed {
        let [a, b, c, kind, flags, stream @ ..] = self.header;
        self.missing = u32::from_be_bytes([0, a, b, c]) as usize;
        self.header_bytes = 0;
        match kind {
            HEADERS => {
                self.last_stream = self.last_stream.max(u32::from_be_bytes(stream) & (u32::MAX >> 1));
                Passed::Headers
            }
            SETTINGS if flags & ACK == 0 => Passed::ForAll,
            GOAWAY => Passed::ForAll,
            _ => Passed::Other,
        }
    }

    /// A frame that tells the peer of these frames to calm down.
    pub fn calm_down(&self) -> [u8; HEADER_BYTES + 8] {
        let mut frame = [0; HEADER_BYTES + 8];
        (frame[2], frame[3]) = (8, GOAWAY);
        frame[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&self.last_stream.to_be_bytes());
        frame[HEADER_BYTES + 4..].copy_from_slice(&ENHANCE_YOUR_CALM.to_be_bytes());
        frame
    }
}

/// What a connection has made us do lately.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    done: u64,
    counted_at: Instant,
}

impl Work {
    /// Nothing yet.
    pub fn none() -> Self {
        Self { done: 0, counted_at: Instant::now() }
    }

    /// Counts a walk over so many streams; tells whether it is too much.
    pub fn is_too_much_with(&mut self, streams: usize) -> bool {
        let passed_ms = u64::try_from(self.counted_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let forgiven = passed_ms.saturating_mul(WORK_A_SECOND) / 1000;
        if forgiven > 0 {
            self.done = self.done.saturating_sub(forgiven);
            self.counted_at = Instant::now();
        }
        self.done += streams as u64 + 1;
        self.done > WORK_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload_bytes: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, payload_bytes, kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(vec![SETTINGS; payload_bytes.into()]);
        frame
    }

    #[test]
    fn frames_are_told_however_they_are_cut() {
        let sent = [
            b"before".to_vec(),
            frame(SETTINGS, 0, 0, 6),
            frame(SETTINGS, ACK, 0, 0),
            frame(HEADERS, 4, 7, 30),
            frame(HEADERS, 4, 5, 0),
            frame(0, 0, 7, 100),
            frame(GOAWAY, 0, 0, 8),
        ]
        .concat();
        let expected = [Passed::ForAll, Passed::Other, Passed::Headers, Passed::Headers, Passed::Other, Passed::ForAll];
        for cut in [1, 2, 5, 9, 10, 1000] {
            let (mut frames, mut told) = (Frames::after(6), Vec::new());
            for piece in sent.chunks(cut) {
                frames.pass(piece, |passed| told.push(passed));
            }
            assert_eq!(told, expected, "{cut}");
            assert!(frames.is_between());
            assert_eq!(frames.calm_down()[9..], [0, 0, 0, 7, 0, 0, 0, 11]);
            frames.pass(&sent[6..7], |_| {});
            assert!(!frames.is_between());
        }
    }

    #[test]
    fn work_is_counted_by_streams_and_forgiven_in_time() {
        let mut work = Work::none();
        assert!(!(0..40).any(|_| work.is_too_much_with(1000)));
        assert!((0..20).any(|_| work.is_too_much_with(1000)));
        work.counted_at -= std::time::Duration::from_secs(5);
        assert!(!(0..40).any(|_| work.is_too_much_with(1000)));
    }
}
