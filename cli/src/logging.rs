//! Log lines: one event per line, on stderr unless the caller has a better place.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use config::{LogFormat, LogSettings};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Where log lines go.
#[derive(Debug)]
pub(crate) enum LogTo {
    /// The terminal, or whoever collects stderr.
    Stderr,
    /// A file that grows at its end, for when the terminal shows the live status.
    File(PathBuf),
}

/// Starts logging for the rest of the process; called once.
pub(crate) fn start(settings: &LogSettings, to: &LogTo) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.filter).with_context(|| {
        format!(
            "setting log.filter: \"{}\" is no filter; give a level (error, warn, info, debug, \
             trace) or rules such as \"info,actors=debug\"",
            settings.filter
        )
    })?;
    let (writer, colours) = match to {
        LogTo::Stderr => (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal()),
        LogTo::File(path) => (BoxMakeWriter::new(Mutex::new(appended(path)?)), false),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match settings.format {
        LogFormat::Human => lines.with_ansi(colours).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

fn appended(path: &Path) -> anyhow::Result<std::fs::File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write the log file {}", path.display()))
}
