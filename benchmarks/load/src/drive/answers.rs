//! Looks into answers, no further than it takes: is there a result for each call, which were refused, and the bytes of
//! the sampled ones.

use std::fs::File;
use std::io::{BufWriter, Write};

use crate::cli::Shape;
use crate::codes;
use crate::drive::messages::Message;
use crate::drive::tally::Tally;
use crate::grpc::Ending;
use crate::wire::{Field, fields};

const RESOLUTION: u32 = 1;
const ERROR: u32 = 2;

/// Where sampled answers are kept: frames of `u32 LE index in the calls file, u32 LE length, encoded Resolution or
/// google.rpc.Status, u8 1 = resolution 0 = status`.
#[derive(Debug)]
pub struct Samples {
    file: BufWriter<File>,
    fault: Option<std::io::Error>,
}

impl Samples {
    /// To a file.
    pub fn new(file: BufWriter<File>) -> Self {
        Self { file, fault: None }
    }

    fn keep(&mut self, index: u32, answer: &[u8], is_resolution: bool) {
        if self.fault.is_none() {
            self.fault = write_sample(&mut self.file, index, answer, is_resolution).err();
        }
    }

    /// Writes what is left; tells what went wrong on the way.
    pub fn finish(mut self) -> std::io::Result<()> {
        match self.fault {
            Some(fault) => Err(fault),
            None => self.file.flush(),
        }
    }
}

fn write_sample(out: &mut impl Write, index: u32, answer: &[u8], is_resolution: bool) -> std::io::Result<()> {
    let length = u32::try_from(answer.len()).map_err(std::io::Error::other)?;
    out.write_all(&index.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(answer)?;
    out.write_all(&[u8::from(is_resolution)])
}

/// Looks at the end of a call that should have been good.
pub fn look_at_ending(message: &Message, ending: &Ending, tally: &mut Tally, mut samples: Option<&mut Samples>) {
    tally.refuse(ending.code, message.calls.into());
    for (_, index) in &message.sampled {
        if let Some(samples) = &mut samples {
            samples.keep(*index, &ending.status, false);
        }
    }
}

/// Looks at an answer.
pub fn look(shape: Shape, message: &Message, answer: &[u8], tally: &mut Tally, samples: Option<&mut Samples>) {
    let understood = match shape {
        Shape::Unary => look_at_one(message, answer, samples),
        Shape::Batch => look_at_many(1, message, answer, tally, samples),
        Shape::Stream => look_at_many(2, message, answer, tally, samples),
    };
    if understood.is_none() {
        tally.unreadable_answers += 1;
    }
}

fn look_at_one(message: &Message, answer: &[u8], samples: Option<&mut Samples>) -> Option<()> {
    let (Some(samples), [(_, index)]) = (samples, &*message.sampled) else { return Some(()) };
    let (RESOLUTION, Field::Content(resolution)) = fields(answer).next()?? else { return None };
    samples.keep(*index, resolution, true);
    Some(())
}

fn look_at_many(
    results_field: u32,
    message: &Message,
    answer: &[u8],
    tally: &mut Tally,
    mut samples: Option<&mut Samples>,
) -> Option<()> {
    let mut wanted = message.sampled.iter().peekable();
    let mut count = 0;
    for field in fields(answer) {
        let (number, content) = field?;
        let Field::Content(result) = content else { continue };
        if number != results_field {
            continue;
        }
        let (which, Field::Content(content)) = fields(result).next()?? else { return None };
        match which {
            RESOLUTION => {}
            ERROR => tally.refuse(code_of(content), 1),
            _ => return None,
        }
        if let Some((_, index)) = wanted.next_if(|(place, _)| *place == count)
            && let Some(samples) = &mut samples
        {
            samples.keep(*index, content, which == RESOLUTION);
        }
        count += 1;
    }
    (count == message.calls).then_some(())
}

/// The code of an encoded `google.rpc.Status`.
fn code_of(status: &[u8]) -> u8 {
    match fields(status).next().flatten() {
        Some((1, Field::Varint(code))) => u8::try_from(code).unwrap_or(codes::UNKNOWN),
        _ => codes::UNKNOWN,
    }
}

#[cfg(test)]
mod tests;
