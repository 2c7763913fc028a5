//! Progress and cancellation of long work, from outside: the run itself knows no clock and no
//! thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Steps between two questions.
pub(super) const INTERVAL: usize = 4_096;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop here; what was done so far is the result, marked as canceled.
    Stop,
}

/// Is told of progress and asked whether to go on, every few thousand bars.
pub trait Monitor: Sync {
    /// `bars` more are done.
    fn advanced(&self, bars: u64) -> Flow;
}

/// Nobody watches.
impl Monitor for () {
    fn advanced(&self, _bars: u64) -> Flow {
        Flow::Continue
    }
}

/// A counter and a flag that any number of threads share.
#[derive(Debug, Default)]
pub struct Switch {
    /// Bars done so far.
    pub bars: AtomicU64,
    /// Set to stop all runs that share the switch.
    pub cancel: AtomicBool,
}

impl Monitor for Switch {
    fn advanced(&self, bars: u64) -> Flow {
        self.bars.fetch_add(bars, Ordering::Relaxed);
        if self.cancel.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    }
}
