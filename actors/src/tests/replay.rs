//! A recording through the whole line, step by step: the same every time.

use super::support::*;
use crate::{FeedTime, Troupe};
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::testing::TestDatabase;
use venue::{Pacer, ReplayOptions, Source, VenueOptions};

/// Holds the tape until the engine has done all that follows from the step before.
#[derive(Debug, Default)]
pub(super) struct Step(OnceLock<Troupe>);

impl Step {
    /// Names the engine that is waited for.
    pub(super) fn set(&self, troupe: Troupe) {
        self.0.set(troupe).expect("set once");
    }
}

impl Pacer for Step {
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let Some(troupe) = self.0.get() else { return };
            while !troupe.is_trading().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            troupe.settled().await;
        })
    }
}

/// A week of daily bars whose closes make averages of 2 and 3 cross up, then down.
fn recording() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let mut file = std::fs::File::create(directory.path().join("ACME_1d.csv")).expect("a file");
    writeln!(file, "timestamp,open,high,low,close,volume").expect("written");
    let closes = [100.0, 90.0, 80.0, 110.0, 120.0, 60.0, 50.0, 55.0];
    for (day, close) in (1..).zip(closes) {
        let open = close + 1.0;
        let (high, low) = (close + 2.0, close - 1.0);
        writeln!(file, "2024-01-{day:02}T00:00:00Z,{open},{high},{low},{close},1000")
            .expect("written");
    }
    directory
}

async fn run(recording: &std::path::Path) -> Vec<(String, String, String, String)> {
    let database = TestDatabase::create().await;
    let pacer = Arc::new(Step::default());
    let venue = venue(VenueOptions {
        source: Source::Replay(ReplayOptions::new(recording)),
        pacer: Arc::clone(&pacer) as Arc<dyn Pacer>,
        ..VenueOptions::default()
    })
    .await;
    let user = user(&database).await;
    let config = config(&database, user, &["ACME"], 86_400).await;
    let mut connection = database.pool().acquire().await.expect("a connection");
    let (owner, id) = (user.as_uuid(), config.as_uuid());
    let active = storage::configs::Activity::Active;
    let now = venue.clock().now();
    storage::configs::set_active(&mut connection, owner, id, active, now).await.expect("written");
    drop(connection);
    let troupe = troupe(&database, &venue, FeedTime::Events).await;
    pacer.set(troupe.clone());
    venue.replay_finished().await;
    troupe.settled().await;
    let mut trades = trades(&database, user).await;
    trades.reverse();
    let rows = trades.into_iter().map(|trade| {
        let record = trade.record;
        let side = format!("{:?}", record.side);
        (
            side,
            record.quantity.normalize().to_string(),
            record.price.normalize().to_string(),
            record.executed_at.to_rfc3339(),
        )
    });
    let rows = rows.collect();
    troupe.stop().await;
    venue.stop().await;
    database.drop_database().await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_on_a_close_fills_at_the_next_open_and_every_run_is_the_same() {
    let recording = recording();
    let first = run(recording.path()).await;
    // Averages of 2 and 3 closes cross up on the close of the 4th (95 over 93.3) and down on the
    // close of the 6th (90 under 96.7): bought at the open of the 5th, sold at that of the 7th.
    let [(buy, quantity, price, at), (sell, sold, sold_at, sold_on)] = first.as_slice() else {
        panic!("{first:#?}")
    };
    assert_eq!(
        (buy.as_str(), price.as_str(), at.as_str()),
        ("Buy", "121", "2024-01-05T00:00:00+00:00")
    );
    assert_eq!(
        (sell.as_str(), sold_at.as_str(), sold_on.as_str()),
        ("Sell", "51", "2024-01-07T00:00:00+00:00")
    );
    // 2 % of 10 000 with a stop 10 % away is 2 000, at the close of 110: 18 shares.
    assert_eq!((quantity.as_str(), sold.as_str()), ("18", "18"));
    assert_eq!(run(recording.path()).await, first, "the same tape gives the same trades");
}
