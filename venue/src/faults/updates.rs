//! Faults of trade updates: repeated, late, out of order, missing, or about a bust.
//!
//! Decided once per update, before it is known who listens, so that the same orders bring the same
//! faults however many streams there are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Message;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::Faults;
use super::fault::{Family, FaultKind};
use crate::link::{Link, TooSlow};
use crate::tasks;

/// Updates that wait for later ones, over all accounts; further ones are sent at once.
const PARKED_MAX: usize = 10_000;
/// Where the random part of a ULID begins. The venue's own ids have zeros there, so a letter makes
/// one that nobody else has and that comes after them.
const ULID_RANDOM: usize = 10;

/// How one update reaches the streams of its account.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) account_id: Uuid,
    /// When it is sent, from now: once at once, unless a fault says otherwise.
    sends: Vec<Duration>,
    parked: Option<Parking>,
    bust: Option<BustOrder>,
    /// Updates parked before this number have been overtaken by this one.
    mark: u64,
}

/// Whether a bust comes before or after the execution that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BustOrder {
    Before,
    After,
}

#[derive(Clone, Copy, Debug)]
struct Parking {
    after: u32,
    at_most: Duration,
}

/// Where updates wait until others have overtaken them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post {
    faults: Faults,
    parked: Arc<Mutex<Vec<Parked>>>,
    numbers: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Parked {
    number: u64,
    account_id: Uuid,
    after: u32,
    link: Arc<Link>,
    message: Message,
}

impl Post {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Decides how an update travels.
    pub(crate) fn delivery(
        &self,
        account_id: Uuid,
        symbol: &str,
        event: &str,
        now: DateTime<Utc>,
    ) -> Delivery {
        let mut delivery = Delivery {
            account_id,
            sends: vec![Duration::ZERO],
            parked: None,
            bust: None,
            mark: self.numbers.load(Ordering::Acquire),
        };
        let strikes = self.faults.strikes(Family::Update, now, |fault| {
            let scope = &fault.scope;
            scope.symbol.as_ref().is_none_or(|wanted| super::same_symbol(wanted, symbol))
                && scope.event.as_ref().is_none_or(|wanted| wanted == event)
                && scope.account.as_ref().is_none_or(|key| self.faults.owns(key, account_id))
        });
        let mut dropped = false;
        let mut late = Duration::ZERO;
        for strike in strikes {
            match strike.kind {
                FaultKind::DropUpdate {} => dropped = true,
                FaultKind::LateUpdate { delay } => late += delay.draw(strike.word),
                FaultKind::RepeatUpdate { times, delay } => {
                    let apart = delay.draw(strike.word);
                    delivery.sends.extend((1..=times).map(|time| apart * time));
                }
                FaultKind::ReorderUpdates { after, at_most_ms } => {
                    let at_most = Duration::from_millis(at_most_ms);
                    delivery.parked = Some(Parking { after, at_most });
                }
                FaultKind::Bust { before: true } => delivery.bust = Some(BustOrder::Before),
                FaultKind::Bust { before: false } => delivery.bust = Some(BustOrder::After),
                _ => {}
            }
        }
        if dropped {
            delivery.sends.clear();
        }
        for delay in &mut delivery.sends {
            *delay += late;
        }
        delivery
    }

    /// An update and how it travels, and with it the bust that a fault adds.
    pub(crate) fn messages(update: Value, delivery: Delivery) -> Vec<(Value, Delivery)> {
        let executed =
            update["data"].get("execution_id").is_some() && update["data"].get("price").is_some();
        let Some(order) = delivery.bust.filter(|_| executed) else {
            return vec![(update, delivery)];
        };
        let plain = Delivery {
            account_id: delivery.account_id,
            sends: vec![Duration::ZERO],
            parked: None,
            bust: None,
            mark: 0,
        };
        let busted = (bust(&update), plain);
        match order {
            BustOrder::Before => vec![busted, (update, delivery)],
            BustOrder::After => vec![(update, delivery), busted],
        }
    }

    /// Sends an update to one stream, as its delivery says.
    pub(crate) fn send(
        &self,
        delivery: &Delivery,
        link: &Arc<Link>,
        message: &Message,
    ) -> Result<(), TooSlow> {
        for (index, delay) in delivery.sends.iter().enumerate() {
            match delivery.parked {
                Some(parking) if index == 0 && delay.is_zero() => {
                    self.park(delivery.account_id, parking, link, message)?;
                }
                _ => send_in(*delay, Arc::clone(link), message.clone())?,
            }
        }
        Ok(())
    }

    /// Lets the updates go that were waiting for this one to overtake them.
    pub(crate) fn overtaken(&self, delivery: &Delivery) {
        let mut parked = self.lock();
        if parked.is_empty() {
            return;
        }
        for one in parked.iter_mut() {
            if one.account_id == delivery.account_id && one.number < delivery.mark {
                one.after = one.after.saturating_sub(1);
            }
        }
        for one in parked.extract_if(.., |one| one.after == 0) {
            one.send();
        }
    }

    fn park(
        &self,
        account_id: Uuid,
        parking: Parking,
        link: &Arc<Link>,
        message: &Message,
    ) -> Result<(), TooSlow> {
        let number = self.numbers.fetch_add(1, Ordering::AcqRel);
        let mut parked = self.lock();
        // Without a runtime nobody would ever let it go.
        let Some(runtime) = Handle::try_current().ok().filter(|_| parked.len() < PARKED_MAX) else {
            return link.send(message.clone());
        };
        drop(runtime);
        let (link, message) = (Arc::clone(link), message.clone());
        parked.push(Parked { number, account_id, after: parking.after, link, message });
        let post = self.clone();
        drop(tasks::spawn(async move {
            tokio::time::sleep(parking.at_most).await;
            for one in post.lock().extract_if(.., |one| one.number == number) {
                one.send();
            }
        }));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parked {
    fn send(self) {
        // Its connection ends by itself when it is too slow.
        if self.link.send(self.message).is_err() {
            tracing::debug!(account.id = %self.account_id, "a parked update found a slow stream");
        }
    }
}

/// The news that an execution was undone, made from the news of it.
fn bust(update: &Value) -> Value {
    let mut bust = update.clone();
    let Some(data) = bust["data"].as_object_mut() else { return bust };
    let previous = data.get("execution_id").cloned().unwrap_or_default();
    let salt = previous.as_str().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
    let id = Uuid::new_v5(&salt, b"bust").to_string();
    if let Some(event_id) = data.get("event_id").and_then(Value::as_str) {
        let letters = event_id.chars().enumerate();
        let after: String =
            letters.map(|(at, one)| if at == ULID_RANDOM { 'B' } else { one }).collect();
        data.insert("event_id".to_owned(), after.into());
    }
    data.insert("event".to_owned(), "trade_bust".into());
    data.insert("previous_execution_id".to_owned(), previous);
    data.insert("execution_id".to_owned(), id.into());
    bust
}

fn send_in(delay: Duration, link: Arc<Link>, message: Message) -> Result<(), TooSlow> {
    if delay.is_zero() || Handle::try_current().is_err() {
        return link.send(message);
    }
    drop(tasks::spawn(async move {
        tokio::time::sleep(delay).await;
        if link.send(message).is_err() {
            tracing::debug!("a late update found a slow stream");
        }
    }));
    Ok(())
}
