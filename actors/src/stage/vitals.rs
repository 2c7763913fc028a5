//! What the observatory knows of one actor.

use arc_swap::ArcSwapOption;
use engine::Timestamp;
use ractor::{ActorCell, ActorStatus};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Whether an actor is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// Known by name, not started yet.
    Waiting,
    /// Rebuilding its state.
    Starting,
    /// At work.
    Running,
    /// Failed; its supervisor starts it again after a pause, or has given up.
    Failed,
    /// Ended on purpose.
    Stopped,
}

/// An actor as the operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct ActorView {
    /// Where it is in the tree, such as `desk/…/account`.
    pub path: String,
    /// What it is.
    pub kind: &'static str,
    /// Whether it is at work.
    pub state: ActorState,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// Starts after the first.
    pub restarts: u64,
    /// Messages sent to it.
    pub sent: u64,
    /// Messages it has handled.
    pub handled: u64,
    /// Messages that were lost with an earlier life of it.
    pub dropped: u64,
    /// Messages that wait: its mailbox depth.
    pub mailbox: u64,
    /// Time spent handling messages, microseconds.
    pub busy_us: u64,
    /// Name of the message handled last.
    pub last_message: Option<&'static str>,
    /// What failed last.
    pub last_error: Option<String>,
    /// What it says of itself; null when it does not answer.
    pub summary: serde_json::Value,
}

/// Counters of one path, kept over restarts.
#[derive(Debug)]
pub(crate) struct Vitals {
    path: Arc<str>,
    kind: &'static str,
    sent: AtomicU64,
    handled: AtomicU64,
    dropped: AtomicU64,
    busy_ns: AtomicU64,
    starts: AtomicU64,
    cell: ArcSwapOption<ActorCell>,
    rare: Mutex<Rare>,
}

/// What changes seldom, or is only worth a glance.
#[derive(Debug, Default)]
struct Rare {
    failed: bool,
    started_at: Option<Timestamp>,
    last_message: Option<&'static str>,
    last_error: Option<String>,
}

/// Messages of one actor: `sent` less `done` are still to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) sent: u64,
    pub(crate) done: u64,
}

impl Vitals {
    pub(crate) fn new(path: Arc<str>, kind: &'static str) -> Self {
        Self {
            path,
            kind,
            sent: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            starts: AtomicU64::new(0),
            cell: ArcSwapOption::empty(),
            rare: Mutex::default(),
        }
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// A new life begins: what waited in the old mailbox is gone, and counted.
    pub(crate) fn started(&self, cell: ActorCell, at: Timestamp) {
        let done = self.handled.load(Ordering::SeqCst) + self.dropped.load(Ordering::SeqCst);
        let lost = self.sent.load(Ordering::SeqCst).saturating_sub(done);
        self.dropped.fetch_add(lost, Ordering::SeqCst);
        self.starts.fetch_add(1, Ordering::SeqCst);
        self.cell.store(Some(Arc::new(cell)));
        let mut rare = self.rare();
        rare.started_at = Some(at);
        rare.failed = false;
    }

    pub(crate) fn failed(&self, error: String) {
        let mut rare = self.rare();
        rare.failed = true;
        rare.last_error = Some(error);
    }

    pub(crate) fn sending(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn not_sent(&self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn begins(&self, message: &'static str) {
        self.rare().last_message = Some(message);
    }

    pub(crate) fn handled(&self, busy: Duration) {
        self.busy_ns
            .fetch_add(u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.handled.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.starts.load(Ordering::SeqCst).saturating_sub(1)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status() == Some(ActorStatus::Running)
    }

    /// What waits. Nothing waits in the mailbox of an actor that is no more.
    pub(crate) fn pending(&self) -> Pending {
        let done = self.handled.load(Ordering::SeqCst) + self.dropped.load(Ordering::SeqCst);
        let sent = self.sent.load(Ordering::SeqCst);
        match self.status() {
            None | Some(ActorStatus::Stopped) => Pending { sent: done, done },
            Some(_) => Pending { sent, done },
        }
    }

    pub(crate) fn view(&self, summary: serde_json::Value) -> ActorView {
        let pending = self.pending();
        let status = self.status();
        let rare = self.rare();
        let state = match status {
            None => ActorState::Waiting,
            Some(ActorStatus::Unstarted | ActorStatus::Starting) => ActorState::Starting,
            Some(ActorStatus::Running | ActorStatus::Upgrading | ActorStatus::Draining) => {
                ActorState::Running
            }
            Some(_) if rare.failed => ActorState::Failed,
            Some(_) => ActorState::Stopped,
        };
        ActorView {
            path: self.path.as_ref().to_owned(),
            kind: self.kind,
            state,
            started_at: rare.started_at,
            restarts: self.restarts(),
            sent: self.sent.load(Ordering::SeqCst),
            handled: self.handled.load(Ordering::SeqCst),
            dropped: self.dropped.load(Ordering::SeqCst),
            mailbox: pending.sent.saturating_sub(pending.done),
            busy_us: self.busy_ns.load(Ordering::Relaxed) / 1_000,
            last_message: rare.last_message,
            last_error: rare.last_error.clone(),
            summary,
        }
    }

    fn status(&self) -> Option<ActorStatus> {
        self.cell.load().as_ref().map(|cell| cell.get_status())
    }

    fn rare(&self) -> std::sync::MutexGuard<'_, Rare> {
        self.rare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
