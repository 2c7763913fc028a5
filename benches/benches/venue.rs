//! The venue: orders into the book and through it, quotes past resting orders, streams served.

use std::time::Duration;

use anyhow::Context as _;
use benches::world::{instant, is_wanted, pause, runtime, say};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use venue::bench::Floor;
use venue::{
    FillOptions, Latency, RealisticOptions, Source, Store, SyntheticOptions, Venue, VenueOptions,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders of one round.
const ORDERS: u64 = 20_000;
/// Quotes of one round.
const QUOTES: u64 = 400_000;
/// Orders that rest while quotes pass.
const RESTING: u64 = 1_000;
/// Rounds, so that every kind sees the same machine.
const ROUNDS: usize = 3;
/// How long streams are listened to.
const LISTENED: Duration = Duration::from_secs(5);
/// Clients of the streams.
const CLIENTS: [usize; 3] = [1, 16, 64];

fn main() -> anyhow::Result<()> {
    for _ in 0..ROUNDS {
        for (name, fills) in models() {
            if is_wanted("orders") {
                orders(name, fills)?;
            }
            if is_wanted("quotes") {
                quotes(name, fills)?;
            }
        }
    }
    if is_wanted("streams") {
        let runtime = runtime()?;
        for clients in CLIENTS {
            runtime.block_on(streams(clients))?;
        }
    }
    Ok(())
}

/// The realistic model travels no time here: its book is measured, not its patience.
fn models() -> [(&'static str, FillOptions); 2] {
    let latency = Latency { minimum_us: 0, median_us: 0, spread: 0.0 };
    let realistic = RealisticOptions { latency, ..RealisticOptions::default() };
    [("alpaca", FillOptions::Alpaca), ("realistic", FillOptions::Realistic(realistic))]
}

/// Orders accepted and matched, without the log and with it.
fn orders(name: &str, fills: FillOptions) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let stores = [
        ("no log", Store::Ephemeral),
        ("log on disk", Store::Directory(directory.path().to_owned())),
    ];
    for (kind, store) in stores {
        let mut floor = Floor::open(&store, fills)?;
        floor.trade(ORDERS / 10);
        let before = floor.executions();
        let start = instant();
        let accepted = floor.trade(ORDERS);
        let rate = per_second(accepted, start.elapsed());
        let executions = floor.executions() - before;
        say(&format!("orders  {name:<10} {kind:<12} {rate:>9} /s  {executions} executions"));
        anyhow::ensure!(accepted == ORDERS, "{accepted} of {ORDERS} orders were accepted");
    }
    Ok(())
}

/// Quotes into a book in which orders rest.
fn quotes(name: &str, fills: FillOptions) -> anyhow::Result<()> {
    let mut floor = Floor::open(&Store::Ephemeral, fills)?;
    let resting = floor.rest(RESTING);
    floor.quote(QUOTES / 10);
    let start = instant();
    floor.quote(QUOTES);
    let rate = per_second(QUOTES, start.elapsed());
    say(&format!("quotes  {name:<10} {resting} resting {rate:>9} /s"));
    anyhow::ensure!(floor.open_orders() == usize::try_from(resting)?, "an order was met");
    Ok(())
}

/// A real venue on its port, at its liveliest, and clients that want everything.
async fn streams(clients: usize) -> anyhow::Result<()> {
    let synthetic = SyntheticOptions {
        always_open: true,
        trades_per_second: 100,
        ..SyntheticOptions::default()
    };
    let options = VenueOptions { source: Source::Synthetic(synthetic), ..VenueOptions::default() };
    let venue = Venue::start(options).await?;
    let address = venue.address();
    let (done, _) = tokio::sync::watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let mut stop = done.subscribe();
        tasks.spawn(async move {
            let (mut socket, _) =
                tokio_tungstenite::connect_async(format!("ws://{address}/v2/sip")).await?;
            for text in [
                r#"{"action":"auth","key":"PKVENUEDEMO","secret":"venue-demo-secret"}"#,
                r#"{"action":"subscribe","trades":["*"],"quotes":["*"]}"#,
            ] {
                socket.send(Message::text(text)).await?;
            }
            let mut messages = 0_u64;
            loop {
                tokio::select! {
                    _ = stop.changed() => break,
                    frame = socket.next() => match frame {
                        Some(Ok(Message::Text(text))) => {
                            messages += u64::try_from(text.matches("\"T\":").count())?;
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break,
                    }
                }
            }
            anyhow::Ok(messages)
        });
    }
    tokio::task::spawn_blocking(|| pause(LISTENED)).await?;
    done.send_replace(true);
    let mut heard = Vec::new();
    while let Some(messages) = tasks.join_next().await {
        heard.push(messages.context("a client died")??);
    }
    venue.stop().await;
    let (least, total) = (heard.iter().min().copied().unwrap_or(0), heard.iter().sum());
    let rate = per_second(total, LISTENED);
    say(&format!("streams {clients:>3} clients {rate:>9} messages/s, the slowest {least} in all"));
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate to be read by people"
)]
fn per_second(count: u64, elapsed: Duration) -> u64 {
    (count as f64 / elapsed.as_secs_f64()) as u64
}
