//! Reads rows in Postgres' binary COPY format. They come in chunks of the network's making: a chunk may begin and end in
//! the middle of a row, even of a number.

/// The bytes are not rows of the statement that was sent: loading stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misread;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the header's extension.
const HEADER_BYTES: usize = 19;
/// The upper bits change the format (bit 16: rows carry object ids), so a reader refuses those that it does not know;
/// the lower bits may be ignored.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Header,
    Rows,
    Done,
}

/// A parser of rows of `N` columns.
#[derive(Clone, Debug)]
pub struct Copy<const N: usize> {
    phase: Phase,
    // A row that has begun in the chunks so far and ends in one to come.
    rest: Vec<u8>,
    rows: u64,
}

/// The columns of one row; `None` is NULL.
pub type Row<'a, const N: usize> = [Option<&'a [u8]>; N];

impl<const N: usize> Default for Copy<N> {
    fn default() -> Self {
        Self { phase: Phase::Header, rest: Vec::new(), rows: 0 }
    }
}

impl<const N: usize> Copy<N> {
    /// Takes the next chunk and hands on every row that it completes.
    pub fn feed<Failure: From<Misread>>(
        &mut self,
        chunk: &[u8],
        mut take: impl FnMut(Row<'_, N>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.rest.is_empty() {
            let used = self.read(chunk, &mut take)?;
            self.rest.extend_from_slice(&chunk[used..]);
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(chunk);
        let used = self.read(&bytes, &mut take)?;
        bytes.drain(..used);
        self.rest = bytes;
        Ok(())
    }

    /// How many rows have come.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether the stream has come to its end, or never began.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rest.is_empty() && self.phase != Phase::Rows
    }

    /// Reads what is complete and answers how many bytes that was.
    fn read<Failure: From<Misread>>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Row<'_, N>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let mut used = 0;
        if self.phase == Phase::Header {
            match header_length(bytes)? {
                None => return Ok(0),
                Some(length) => used = length,
            }
            self.phase = Phase::Rows;
        }
        while self.phase == Phase::Rows {
            match read_row::<N>(&bytes[used..])? {
                Step::Row(row, length) => {
                    take(row)?;
                    self.rows += 1;
                    used += length;
                }
                Step::End(length) => {
                    used += length;
                    self.phase = Phase::Done;
                }
                Step::Incomplete => return Ok(used),
            }
        }
        // Nothing may follow the end.
        if used == bytes.len() { Ok(used) } else { Err(Misread.into()) }
    }
}

fn header_length(bytes: &[u8]) -> Result<Option<usize>, Misread> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Err(Misread);
    }
    if bytes.len() < HEADER_BYTES {
        return Ok(None);
    }
    let mut at = SIGNATURE.len();
    let flags = take_array::<4>(bytes, &mut at).map(u32::from_be_bytes).ok_or(Misread)?;
    let extension = take_array::<4>(bytes, &mut at).map(i32::from_be_bytes).ok_or(Misread)?;
    if flags & CRITICAL_FLAGS != 0 {
        return Err(Misread);
    }
    let length = HEADER_BYTES + usize::try_from(extension).map_err(|_| Misread)?;
    Ok((bytes.len() >= length).then_some(length))
}

enum Step<'a, const N: usize> {
    Row(Row<'a, N>, usize),
    End(usize),
    Incomplete,
}

fn read_row<const N: usize>(bytes: &[u8]) -> Result<Step<'_, N>, Misread> {
    let mut at = 0;
    let Some(count) = take_array::<2>(bytes, &mut at).map(i16::from_be_bytes) else { return Ok(Step::Incomplete) };
    if count == -1 {
        return Ok(Step::End(at));
    }
    if usize::try_from(count) != Ok(N) {
        return Err(Misread);
    }
    let mut row = [None; N];
    for column in &mut row {
        let Some(length) = take_array::<4>(bytes, &mut at).map(i32::from_be_bytes) else {
            return Ok(Step::Incomplete);
        };
        if length == -1 {
            continue;
        }
        let length = usize::try_from(length).map_err(|_| Misread)?;
        let Some(value) = bytes.get(at..at + length) else { return Ok(Step::Incomplete) };
        *column = Some(value);
        at += length;
    }
    Ok(Step::Row(row, at))
}

fn take_array<const L: usize>(bytes: &[u8], at: &mut usize) -> Option<[u8; L]> {
    let array = bytes.get(*at..*at + L)?.try_into().ok()?;
    *at += L;
    Some(array)
}

/// A column of type bigint.
pub fn bigint(column: Option<&[u8]>) -> Result<i64, Misread> {
    column.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes).ok_or(Misread)
}

/// A column of type int.
pub fn int(column: Option<&[u8]>) -> Result<i32, Misread> {
    column.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes).ok_or(Misread)
}

/// A column of type boolean.
pub fn boolean(column: Option<&[u8]>) -> Result<bool, Misread> {
    match column {
        Some([0]) => Ok(false),
        Some([1]) => Ok(true),
        Some(_) | None => Err(Misread),
    }
}

/// A column of type text.
pub fn text(column: Option<&[u8]>) -> Result<&str, Misread> {
    column.and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or(Misread)
}

/// A column of type bytea that holds 16 bytes.
pub fn sixteen(column: Option<&[u8]>) -> Result<[u8; 16], Misread> {
    column.and_then(|bytes| bytes.try_into().ok()).ok_or(Misread)
}

#[cfg(test)]
pub(crate) mod tests;
