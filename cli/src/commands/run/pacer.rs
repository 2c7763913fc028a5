//! How a replay at full speed keeps step with the engine: the next prices wait until nobody has
//! anything to do.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::Troupe;
use venue::Pacer;

/// Pause between two looks at accounts that do not trade yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits for the engine, once there is one.
#[derive(Debug, Default)]
pub(super) struct EnginePacer {
    troupe: OnceLock<Troupe>,
    /// Whether every account has traded: before, the tape must not run on.
    ready: AtomicBool,
}

impl EnginePacer {
    /// The engine to wait for.
    pub(super) fn attach(&self, troupe: Troupe) {
        // Attached once, by the one who made it.
        drop(self.troupe.set(troupe));
    }

    async fn wait(&self) {
        let Some(troupe) = self.troupe.get() else { return };
        while !self.ready.load(Ordering::Relaxed) {
            if troupe.is_trading().await {
                self.ready.store(true, Ordering::Relaxed);
            } else {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        troupe.settled().await;
    }
}

impl Pacer for EnginePacer {
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.wait())
    }
}
