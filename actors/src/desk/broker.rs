//! A broker: one user's line to the venue.
//!
//! Owns: the connection for order updates, the requests on the wire.
//! In: committed orders and cancels, reports of the venue.
//! Out: reports to the account; that books are compared, or that the line is down.
//! When it dies: a new life connects, compares our open orders with the venue's and reports what
//! was missed. Sending an order twice is harmless: the venue takes each id once.

use super::place::{Canceled, Placed, Wire};
use super::reconcile::{self, Comparison};
use super::wiring::account_address;
use super::{AccountMessage, DeskParts};
use crate::alpaca::{Backoff, TradeEvent, TradeStream};
use crate::stage::{Address, Cue, Fault, Message, Role, Running};
use engine::account::Report;
use engine::order::{Order, Status};
use engine::{ClientOrderId, UserId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a broker is told.
pub(crate) enum BrokerMessage {
    /// Fact: this order is committed: send it. Told again, it is sent once.
    Send(Box<Order>),
    /// Fact: this cancel is committed.
    Cancel(ClientOrderId),
    /// Fact: what became of an order that was sent.
    Placed { order: Box<Order>, placed: Placed },
    /// Fact: what became of a cancel.
    Canceled { id: ClientOrderId, canceled: Canceled },
    /// Fact: the update stream is up, or brought a report.
    Stream(TradeEvent),
    /// Fact: the update stream ended; it is tried again after a pause.
    Down { reason: String, pause: Duration },
    /// Command: compare the books now.
    Reconcile,
    /// Fact: the comparison is done, or could not be made.
    Compared(Result<Comparison, String>),
}

/// The role.
pub(crate) struct Broker {
    pub(crate) user: UserId,
    pub(crate) parts: DeskParts,
}

/// Its state.
pub(crate) struct BrokerState {
    wire: Wire,
    sending: BTreeMap<ClientOrderId, Running>,
    canceling: BTreeMap<ClientOrderId, Running>,
    comparing: Option<Running>,
    backoff: Backoff,
    up: bool,
    last_error: Option<String>,
    tasks: [Running; 2],
}

impl Message for BrokerMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Cancel(_) => "cancel",
            Self::Placed { .. } => "placed",
            Self::Canceled { .. } => "canceled",
            Self::Stream(_) => "stream",
            Self::Down { .. } => "down",
            Self::Reconcile => "reconcile",
            Self::Compared(_) => "compared",
        }
    }
}

impl Role for Broker {
    type Message = BrokerMessage;
    type State = BrokerState;

    const KIND: &'static str = "broker";

    async fn begin(&self, cue: &Cue<BrokerMessage>) -> Result<BrokerState, Fault> {
        let stage = Arc::clone(&cue.stage);
        let settings = &self.parts.settings;
        let seed = u64::from(self.user.as_uuid().as_fields().0);
        let backoff = Backoff::new(settings.backoff_min, settings.backoff_max, seed);
        let wire = Wire {
            client: Arc::new(self.parts.client()?),
            clock: Arc::clone(&cue.stage.clock),
            timeout: settings.request_timeout,
            deadline: settings.order_deadline,
            backoff: backoff.clone(),
            ambiguous: Arc::new(move || stage.counters.ambiguous_answers.count()),
        };
        let tasks = [
            Running::start(self.stream(cue.me.clone(), backoff.clone())),
            Running::start(compare_now_and_then(cue.me.clone(), settings.reconcile_interval)),
        ];
        Ok(BrokerState {
            wire,
            sending: BTreeMap::new(),
            canceling: BTreeMap::new(),
            comparing: None,
            backoff,
            up: false,
            last_error: None,
            tasks,
        })
    }

    async fn handle(
        &self,
        cue: &Cue<BrokerMessage>,
        message: BrokerMessage,
        state: &mut BrokerState,
    ) -> Result<(), Fault> {
        match message {
            BrokerMessage::Send(order) => send(cue, state, order),
            BrokerMessage::Cancel(id) => cancel(cue, state, id),
            BrokerMessage::Placed { order, placed } => self.placed(cue, state, &order, &placed)?,
            BrokerMessage::Canceled { id, canceled } => self.canceled(cue, state, id, canceled)?,
            BrokerMessage::Stream(event) => self.stream_event(cue, state, event)?,
            BrokerMessage::Down { reason, pause } => self.down(cue, state, &reason, pause)?,
            BrokerMessage::Reconcile => {
                if state.tasks.iter().any(Running::is_over) {
                    return Err("the task of the update stream has ended".into());
                }
                self.compare(cue, state);
            }
            BrokerMessage::Compared(outcome) => self.compared(cue, state, outcome)?,
        }
        Ok(())
    }

    fn observe(&self, state: &BrokerState) -> Value {
        json!({
            "connected": state.up, "sending": state.sending.len(),
            "canceling": state.canceling.len(), "comparing": state.comparing.is_some(),
            "last_error": state.last_error,
        })
    }
}

impl Broker {
    fn stream(
        &self,
        me: Address<BrokerMessage>,
        mut backoff: Backoff,
    ) -> impl Future<Output = ()> + Send + 'static {
        let stream = TradeStream {
            url: self.parts.endpoints.trade_stream_url.clone(),
            keys: self.parts.keys.clone(),
        };
        async move {
            loop {
                let was_up = std::sync::atomic::AtomicBool::new(false);
                let ended = stream
                    .run(|event| {
                        if matches!(event, TradeEvent::Up) {
                            was_up.store(true, std::sync::atomic::Ordering::Relaxed);
                        }
                        // A broker that is no more has dropped this task, too.
                        drop(me.tell(BrokerMessage::Stream(event)));
                    })
                    .await;
                if was_up.into_inner() {
                    backoff.reset();
                }
                let reason = ended.err().map_or_else(String::new, |error| error.to_string());
                let pause = backoff.pause();
                drop(me.tell(BrokerMessage::Down { reason, pause }));
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn stream_event(
        &self,
        cue: &Cue<BrokerMessage>,
        state: &mut BrokerState,
        event: TradeEvent,
    ) -> Result<(), Fault> {
        match event {
            TradeEvent::Up => {
                state.up = true;
                // From now on nothing is missed; what was missed before is compared.
                self.compare(cue, state);
            }
            TradeEvent::Report(report) => self.tell(cue, AccountMessage::Report(report))?,
            TradeEvent::Unreadable(reason) => {
                tracing::error!(user.id = %self.user, "an order update is not readable: {reason}");
                state.last_error = Some(reason);
                // It may have been a fill: ask.
                self.compare(cue, state);
            }
        }
        Ok(())
    }

    fn down(
        &self,
        cue: &Cue<BrokerMessage>,
        state: &mut BrokerState,
        reason: &str,
        pause: Duration,
    ) -> Result<(), Fault> {
        let pause_ms = pause.as_millis();
        tracing::warn!(
            user.id = %self.user, pause_ms,
            "no order updates from the venue ({reason}), next try in {pause_ms} ms"
        );
        state.up = false;
        state.comparing = None;
        state.last_error = Some(reason.to_owned());
        let reason = format!("the venue cannot be reached: {reason}");
        self.tell(cue, AccountMessage::BrokerDown { reason })
    }

    fn placed(
        &self,
        cue: &Cue<BrokerMessage>,
        state: &mut BrokerState,
        order: &Order,
        placed: &Placed,
    ) -> Result<(), Fault> {
        state.sending.remove(&order.draft.client_order_id);
        if let Some(report) = reconcile::placed(order, placed, cue.stage.clock.now()) {
            self.tell(cue, AccountMessage::Report(report))?;
        }
        Ok(())
    }

    fn canceled(
        &self,
        cue: &Cue<BrokerMessage>,
        state: &mut BrokerState,
        id: ClientOrderId,
        canceled: Canceled,
    ) -> Result<(), Fault> {
        state.canceling.remove(&id);
        match canceled {
            Canceled::Taken => {}
            // Its report may have been missed, or fills before it: compare.
            Canceled::Over => self.compare(cue, state),
            Canceled::Unknown if state.sending.contains_key(&id) => {
                // It is on its way: cancel it when it is there.
                cancel(cue, state, id);
            }
            Canceled::Unknown => {
                let reason = Some("it never reached the venue".to_owned());
                let (status, at) = (Status::Canceled, cue.stage.clock.now());
                let report = Report::Closed { client_order_id: id, status, reason, at };
                self.tell(cue, AccountMessage::Report(report))?;
            }
            Canceled::Failed { reason } => {
                tracing::error!(order.client_id = %id, "order {id} could not be canceled: {reason}");
                state.last_error = Some(reason);
            }
        }
        Ok(())
    }

    fn compare(&self, cue: &Cue<BrokerMessage>, state: &mut BrokerState) {
        if !state.up {
            return;
        }
        let (me, work, wire) = (cue.me.clone(), cue.stage.work(), state.wire.clone());
        let account = account_address(&cue.stage, self.user);
        let timeout = self.parts.settings.request_timeout;
        // What is on the wire is certain soon, by itself; a task that broke off is not on it.
        state.sending.retain(|_, task| !task.is_over());
        state.canceling.retain(|_, task| !task.is_over());
        let sending: BTreeSet<_> = state.sending.keys().cloned().collect();
        state.comparing = Some(Running::start(async move {
            let open = account.ask(timeout, |reply| AccountMessage::OpenOrders { reply }).await;
            let outcome = match open {
                Ok(mut open) => {
                    open.retain(|order| !sending.contains(&order.draft.client_order_id));
                    reconcile::compare(&wire, &open).await
                }
                Err(error) => Err(error.to_string()),
            };
            drop(me.tell(BrokerMessage::Compared(outcome)));
            drop(work);
        }));
    }

    fn compared(
        &self,
        cue: &Cue<BrokerMessage>,
        state: &mut BrokerState,
        outcome: Result<Comparison, String>,
    ) -> Result<(), Fault> {
        state.comparing = None;
        match outcome {
            Ok(comparison) => {
                state.backoff.reset();
                for report in comparison.reports {
                    self.tell(cue, AccountMessage::Report(report))?;
                }
                for order in comparison.resend {
                    send(cue, state, Box::new(order));
                }
                for id in comparison.cancel {
                    if !state.canceling.contains_key(&id) {
                        cancel(cue, state, id);
                    }
                }
                self.tell(cue, AccountMessage::Reconciled)
            }
            Err(reason) => {
                tracing::warn!(user.id = %self.user, "books could not be compared: {reason}");
                state.last_error = Some(reason.clone());
                let (me, pause) = (cue.me.clone(), state.backoff.pause());
                state.comparing = Some(Running::start(async move {
                    tokio::time::sleep(pause).await;
                    drop(me.tell(BrokerMessage::Reconcile));
                }));
                let reason = format!("books could not be compared: {reason}");
                self.tell(cue, AccountMessage::BrokerDown { reason })
            }
        }
    }

    /// A report is a fact: an account that is not there takes this broker with it, and both begin
    /// anew.
    fn tell(&self, cue: &Cue<BrokerMessage>, message: AccountMessage) -> Result<(), Fault> {
        Ok(account_address(&cue.stage, self.user).tell(message)?)
    }
}

fn send(cue: &Cue<BrokerMessage>, state: &mut BrokerState, order: Box<Order>) {
    let id = order.draft.client_order_id.clone();
    if state.sending.contains_key(&id) {
        return;
    }
    let (me, work, wire) = (cue.me.clone(), cue.stage.work(), state.wire.clone());
    let task = Running::start(async move {
        let placed = wire.place(&order).await;
        drop(me.tell(BrokerMessage::Placed { order, placed }));
        drop(work);
    });
    state.sending.insert(id, task);
}

fn cancel(cue: &Cue<BrokerMessage>, state: &mut BrokerState, id: ClientOrderId) {
    let (me, work, wire) = (cue.me.clone(), cue.stage.work(), state.wire.clone());
    let canceled_id = id.clone();
    let task = Running::start(async move {
        let canceled = wire.cancel(&canceled_id).await;
        drop(me.tell(BrokerMessage::Canceled { id: canceled_id, canceled }));
        drop(work);
    });
    state.canceling.insert(id, task);
}

async fn compare_now_and_then(me: Address<BrokerMessage>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        drop(me.tell(BrokerMessage::Reconcile));
    }
}
