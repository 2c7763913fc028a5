//! Signal → account → journal → broker → the order's request at the venue's door.

use actors::bench::{DeskBench, Journalling};
use anyhow::Context as _;
use benches::desk_world::DeskWorld;
use benches::samples::Samples;
use benches::world::{instant, is_wanted, runtime, say};
use std::collections::BTreeSet;
use std::time::Duration;
use storage::Durability;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signals that are sent before any is measured: connections, caches, prepared statements.
const WARM_UP: usize = 50;

/// Signals of one round.
const ROUND: usize = 500;

/// Rounds of each kind, one after the other, so that all kinds see the same machine.
const ROUNDS: usize = 4;

/// Users whose accounts get the same signal at once.
const USERS: usize = 100;

/// Signals of the run with many users.
const BURSTS: usize = 30;

/// How long an order may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let runtime = runtime()?;
    if is_wanted("one at a time") {
        runtime.block_on(one_at_a_time())?;
    }
    if is_wanted("many users") {
        runtime.block_on(many_users())?;
    }
    Ok(())
}

/// One user, one signal at a time: with the commit, without it, and with a commit that does not wait
/// for the disk.
async fn one_at_a_time() -> anyhow::Result<()> {
    let mut durable = DeskWorld::start(1, Durability::Production).await?;
    let mut careless = DeskWorld::start(1, Durability::Test).await?;
    let mut samples: [Vec<Duration>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    let mut pings = Vec::new();
    for _ in 0..ROUNDS {
        samples[0].extend(round(&mut durable, Journalling::Committed).await?);
        samples[1].extend(round(&mut durable, Journalling::Skipped).await?);
        samples[2].extend(round(&mut careless, Journalling::Committed).await?);
        for _ in 0..ROUND {
            let start = instant();
            durable.ping().await?;
            pings.push(start.elapsed());
        }
    }
    let kinds = ["with the journal", "without the commit", "commit without fsync"];
    for (kind, samples) in kinds.iter().zip(samples) {
        let samples: Samples = samples.into_iter().collect();
        say(&format!("one at a time: {kind:<22} {samples}"));
    }
    let pings: Samples = pings.into_iter().collect();
    say(&format!("one at a time: {:<22} {pings}", "database, there and back"));
    durable.stop().await?;
    careless.stop().await
}

async fn round(world: &mut DeskWorld, journalling: Journalling) -> anyhow::Result<Vec<Duration>> {
    let desks = world.desks(journalling).await?;
    let mut samples = Vec::with_capacity(ROUND);
    for number in 0..WARM_UP + ROUND {
        let sample = one_order(world, &desks).await?;
        if number >= WARM_UP {
            samples.push(sample);
        }
        // Its answer is booked, too, before the next signal.
        desks.settled().await;
    }
    let counters = desks.counters();
    anyhow::ensure!(counters.ambiguous_answers == 0, "{counters:?}");
    anyhow::ensure!(counters.actor_failures == 0, "{counters:?}");
    desks.stop().await;
    Ok(samples)
}

/// Time from the signal until its order's request has been read.
async fn one_order(world: &mut DeskWorld, desks: &DeskBench) -> anyhow::Result<Duration> {
    let signal = world.signal()?;
    let (config, expected) = world.order_of(0, &signal);
    let start = instant();
    desks.signal(0, config, &signal);
    let arrival = tokio::time::timeout(PATIENCE, world.door.next()).await;
    let arrival = arrival.context("no order arrived in time")?.context("the door has closed")?;
    anyhow::ensure!(arrival.client_order_id == expected, "another order: {arrival:?}");
    Ok(arrival.at.duration_since(start))
}

/// One signal for many users at once: their commits share transactions.
async fn many_users() -> anyhow::Result<()> {
    let mut world = DeskWorld::start(USERS, Durability::Production).await?;
    let desks = world.desks(Journalling::Committed).await?;
    let (mut each, mut last) = (Vec::new(), Vec::new());
    let mut commits = 0;
    for number in 0..=BURSTS {
        let before = desks.counters().journal_commits;
        let burst: Samples = burst(&mut world, &desks).await?.into_iter().collect();
        let after = desks.counters().journal_commits;
        desks.settled().await;
        // The first one opens the connections.
        if number > 0 {
            last.push(burst.max());
            each.extend(burst);
            commits += after - before;
        }
    }
    let (each, last): (Samples, Samples) = (each.into_iter().collect(), last.into_iter().collect());
    say(&format!("many users: {USERS} at once, each order   {each}"));
    say(&format!("many users: {USERS} at once, last order   {last}"));
    let orders = USERS * BURSTS;
    say(&format!("many users: {orders} orders were on their way after {commits} transactions"));
    desks.stop().await;
    world.stop().await
}

async fn burst(world: &mut DeskWorld, desks: &DeskBench) -> anyhow::Result<Vec<Duration>> {
    let signal = world.signal()?;
    let of_users = (0..world.users()).map(|user| world.order_of(user, &signal));
    let (configs, mut expected): (Vec<_>, BTreeSet<_>) = of_users.unzip();
    let start = instant();
    for (user, config) in configs.into_iter().enumerate() {
        desks.signal(user, config, &signal);
    }
    let mut samples = Vec::new();
    while !expected.is_empty() {
        let arrival = tokio::time::timeout(PATIENCE, world.door.next()).await;
        let arrival = arrival.context("no order arrived in time")?.context("the door closed")?;
        anyhow::ensure!(expected.remove(&arrival.client_order_id), "a stranger: {arrival:?}");
        samples.push(arrival.at.duration_since(start));
    }
    Ok(samples)
}
