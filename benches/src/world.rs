//! Clocks, ids, a runtime and a way to print: the edge of the benches.

use chrono::{DateTime, Utc};
use engine::{Clock, IdSource, Timestamp};
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

/// A clock that stands still: the tape has times of its own.
#[derive(Clone, Copy, Debug)]
pub struct StandingClock(pub Timestamp);

/// Ids that nobody has yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the edge: actors are handed this clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the edge: actors are handed this source")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The instant from which, or up to which, something is measured.
#[expect(clippy::disallowed_methods, reason = "measuring is what a bench is for")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Waits in a thread of the bench's own, none of the runtime's.
#[expect(clippy::disallowed_methods, reason = "the thread is the bench's, it blocks nobody")]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// The runtime that the engine has: a worker per core.
pub fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Whether the part called `name` is to be measured in full: `cargo bench`, without a filter or with
/// one that fits. A test run and a listing only look whether the bench starts.
pub fn is_wanted(name: &str) -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measures = arguments.iter().any(|argument| argument == "--bench")
        && !arguments.iter().any(|argument| argument == "--list" || argument == "--test");
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    measures && filter.is_none_or(|filter| name.contains(filter.as_str()))
}

/// Prints a line of results.
pub fn say(line: &str) {
    // Results that nobody can read are no reason to fail.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}
