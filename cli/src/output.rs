//! What a command says on stdout.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one line. A reader that went away (`troupe ... | head`) is no failure.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    tolerate_closed_pipe(writeln!(io::stdout().lock(), "{text}"))
}

/// Writes a text as it is, that may be long.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    tolerate_closed_pipe(io::stdout().lock().write_all(text.as_bytes()))
}

/// Writes one line on stderr: what is for whoever started the program, and not a part of its answer.
pub(crate) fn error_line(text: &str) {
    // Nobody is left to tell when stderr is closed.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Writes one JSON document.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(document)?)
}

/// Writes one JSON document that may be long, on one line.
pub(crate) fn compact_json(document: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(document)?)
}

fn tolerate_closed_pipe(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
