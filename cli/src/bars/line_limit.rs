//! A guard against files that have no lines: the CSV reader would take them whole into memory.

use std::io::{self, Read};

/// No honest row is longer.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Passes bytes on until a line gets too long.
#[derive(Debug)]
pub(super) struct LineLimit<R> {
    inner: R,
    /// Bytes since the last end of a line.
    line_bytes: usize,
}

impl<R> LineLimit<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, line_bytes: 0 }
    }
}

impl<R: Read> Read for LineLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // In steps, so that no line can hide between two ends of a large buffer.
        let step = buffer.len().min(LINE_BYTES_MAX);
        let Some(part) = buffer.get_mut(..step) else { return Ok(0) };
        let count = self.inner.read(part)?;
        let read = part.get(..count).unwrap_or_default();
        self.line_bytes = match read.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => count - end - 1,
            None => self.line_bytes + count,
        };
        if self.line_bytes > LINE_BYTES_MAX {
            let message = format!("a line is longer than {LINE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(count)
    }
}
