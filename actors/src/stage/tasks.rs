//! IO beside an actor: a task that ends with its owner, and work that counts until it is done.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;

/// Pieces of work begun and done.
#[derive(Debug, Default)]
pub(super) struct WorkTally {
    begun: AtomicU64,
    done: AtomicU64,
}

/// A piece of work under way; dropping it is its end, however it ends.
#[derive(Debug)]
pub(crate) struct Work {
    tally: Arc<WorkTally>,
}

/// A running task. It is aborted when its owner drops this.
#[derive(Debug)]
pub(crate) struct Running {
    handle: JoinHandle<()>,
}

impl WorkTally {
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    pub(super) fn is_done(&self) -> bool {
        let done = self.done.load(Ordering::SeqCst);
        self.begun.load(Ordering::SeqCst) == done
    }
}

impl Work {
    pub(super) fn begin(tally: &Arc<WorkTally>) -> Self {
        tally.begun.fetch_add(1, Ordering::SeqCst);
        Self { tally: Arc::clone(tally) }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.tally.done.fetch_add(1, Ordering::SeqCst);
    }
}

impl Running {
    /// Starts a task that its owner keeps.
    pub(crate) fn start(task: impl Future<Output = ()> + Send + 'static) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the handle is kept and aborted on drop")]
        let handle = tokio::spawn(task);
        Self { handle }
    }

    /// Whether the task has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.handle.is_finished()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
