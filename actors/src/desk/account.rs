//! An account: the sole writer of one user's orders, positions and money.
//!
//! Owns: the engine's `Account`, the terms of the active configs.
//! In: signals, reports of the broker, commands of the user, the journal's acknowledgements.
//! Out: events to the journal; after their commit, orders and cancels to the broker.
//! When it dies: the journal is the account. A new life replays it, asks to be told the standing
//! signals again, and its broker reconciles before anything is traded.

use super::activation::{self, ActiveConfig};
use super::ledger::Entry;
use super::view::{AccountView, view};
use super::wiring::broker_address;
use super::{ActivateRefusal, BrokerMessage, DeskParts};
use crate::market::FloorMessage;
use crate::record::{JournalMessage, JournalReply};
use crate::stage::{Cue, Fault, Message, Role};
use engine::account::{
    Account, EVENT_VERSION, Event, Report, ReportError, SignalContext, decide_report,
    decide_signal, deny_signal,
};
use engine::instance::Signal;
use engine::order::Order;
use engine::risk::Limits;
use engine::{Asset, ClientOrderId, ConfigId, Ticker, UserId, invariants};
use ractor::RpcReplyPort;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Commits that may be under way; beyond, signals are denied: the database is behind.
const COMMITS_MAX: usize = 256;

/// What an account is told.
pub(crate) enum AccountMessage {
    /// Fact: an instance that this config runs has this stance.
    Signal { config: ConfigId, signal: Arc<Signal> },
    /// Fact: the venue says this of one of its orders.
    Report(Report),
    /// Fact: the journal has committed, or refused, what this account wrote.
    Journal(JournalReply),
    /// Fact: the journal lost what it had not committed.
    JournalBegan,
    /// Fact: the broker's books and ours are compared and agree, from now on.
    Reconciled,
    /// Fact: reports may be missed from now on.
    BrokerDown { reason: String },
    /// Fact: what the venue says of a ticker.
    Asset(Asset),
    /// Fact: the venue does not list a ticker of this config.
    Unlisted { config: ConfigId, ticker: Ticker },
    /// Command: take this config's signals. Doing it twice is doing it once.
    Activate { config: ConfigId, reply: RpcReplyPort<Result<(), ActivateRefusal>> },
    /// Command: take no more of them, and cancel what it has open.
    Deactivate { config: ConfigId, reply: RpcReplyPort<Result<(), ActivateRefusal>> },
    /// Command: tell the floor again what is watched.
    Rewatch,
    /// Command: which orders are open?
    OpenOrders { reply: RpcReplyPort<Vec<Order>> },
    /// Command: how does the account stand?
    View { reply: RpcReplyPort<AccountView> },
}

/// The role.
pub(crate) struct AccountRole {
    pub(crate) user: UserId,
    pub(crate) parts: DeskParts,
}

/// Its state.
pub(crate) struct AccountState {
    pub(super) account: Account,
    pub(super) limits: Limits,
    pub(super) configs: BTreeMap<ConfigId, ActiveConfig>,
    assets: BTreeMap<Ticker, Asset>,
    /// Written and not yet committed, in order: the last event's number and what follows it.
    writing: VecDeque<(i64, Vec<Event>)>,
    /// Why signals are not taken; `None` when they are.
    not_trading: Option<String>,
    /// A broken law: nothing but a person ends this.
    pub(super) halted: Option<String>,
}

impl Message for AccountMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Signal { .. } => "signal",
            Self::Report(_) => "report",
            Self::Journal(_) => "journal",
            Self::JournalBegan => "journal_began",
            Self::Reconciled => "reconciled",
            Self::BrokerDown { .. } => "broker_down",
            Self::Asset(_) => "asset",
            Self::Unlisted { .. } => "unlisted",
            Self::Activate { .. } => "activate",
            Self::Deactivate { .. } => "deactivate",
            Self::Rewatch => "rewatch",
            Self::OpenOrders { .. } => "open_orders",
            Self::View { .. } => "view",
        }
    }
}

impl Role for AccountRole {
    type Message = AccountMessage;
    type State = AccountState;

    const KIND: &'static str = "account";

    async fn begin(&self, cue: &Cue<AccountMessage>) -> Result<AccountState, Fault> {
        let account = self.replay().await?;
        invariants::check(&account)?;
        let (limits, configs) = activation::load(self).await?;
        let mut state = AccountState {
            account,
            limits,
            configs,
            assets: BTreeMap::new(),
            writing: VecDeque::new(),
            not_trading: Some("not reconciled with the broker yet".to_owned()),
            halted: None,
        };
        let openings = activation::missing_openings(self, cue, &state);
        self.record(cue, &mut state, openings)?;
        self.rewatch(cue, &state);
        Ok(state)
    }

    async fn handle(
        &self,
        cue: &Cue<AccountMessage>,
        message: AccountMessage,
        state: &mut AccountState,
    ) -> Result<(), Fault> {
        match message {
            AccountMessage::Signal { config, signal } => {
                self.signal(cue, state, config, &signal)?;
            }
            AccountMessage::Report(report) => self.report(cue, state, &report)?,
            AccountMessage::Journal(reply) => self.journalled(cue, state, reply)?,
            AccountMessage::JournalBegan if state.writing.is_empty() => {}
            AccountMessage::JournalBegan => return Err("the journal lost what was written".into()),
            AccountMessage::Reconciled => self.reconciled(cue, state)?,
            AccountMessage::BrokerDown { reason } => state.not_trading = Some(reason),
            AccountMessage::Asset(asset) => {
                state.assets.insert(asset.ticker.clone(), asset);
            }
            AccountMessage::Unlisted { config, ticker } => {
                let user = self.user;
                tracing::warn!(user.id = %user, "config {config} names {ticker}, which the venue does not list");
            }
            AccountMessage::Activate { config, reply } => {
                let answer = activation::activate(self, cue, state, config).await?;
                drop(reply.send(answer));
            }
            AccountMessage::Deactivate { config, reply } => {
                let answer = activation::deactivate(self, cue, state, config).await?;
                drop(reply.send(answer));
            }
            AccountMessage::Rewatch => self.rewatch(cue, state),
            AccountMessage::OpenOrders { reply } => {
                drop(reply.send(committed_open_orders(state)));
            }
            AccountMessage::View { reply } => drop(reply.send(summary(state))),
        }
        Ok(())
    }

    fn observe(&self, state: &AccountState) -> Value {
        let mut value = serde_json::to_value(summary(state)).unwrap_or(Value::Null);
        value["writing"] = json!(state.writing.len());
        value
    }
}

impl AccountRole {
    /// The journal is the account: its events in order, nothing else.
    async fn replay(&self) -> Result<Account, Fault> {
        // What an earlier life wrote must be committed, or known not to be, before it is read.
        let user = self.user;
        self.parts
            .journal
            .ask(self.parts.journal_timeout, |reply| JournalMessage::Settle { reply })
            .await?;
        let mut connection = self.parts.database.pool().acquire().await?;
        let stored = storage::journal::load(&mut connection, user.as_uuid(), -1).await?;
        let mut account = Account::new(user);
        for row in stored {
            let row = row.event;
            if row.version != EVENT_VERSION {
                return Err(
                    format!("journal of {user}: version {} of an event", row.version).into()
                );
            }
            let event: Event = serde_json::from_value(row.payload)
                .map_err(|error| format!("journal of {user}, event {}: {error}", row.seq))?;
            account.apply(&event)?;
            if account.seq() != row.seq {
                return Err(format!("journal of {user}: event {} is missing", account.seq()).into());
            }
        }
        Ok(account)
    }

    fn signal(
        &self,
        cue: &Cue<AccountMessage>,
        state: &mut AccountState,
        config: ConfigId,
        signal: &Signal,
    ) -> Result<(), Fault> {
        let now = cue.stage.clock.now();
        let stop = state.halted.as_ref().or(state.not_trading.as_ref());
        if let Some(reason) = stop {
            // Not decided, only refused for now: the standing signal is asked for again once the
            // account trades. A halted account refuses for good.
            if state.halted.is_some() {
                let denials = deny_signal(&state.account, config, signal, reason, now);
                return self.record(cue, state, denials);
            }
            return Ok(());
        }
        if state.writing.len() >= COMMITS_MAX {
            let denials =
                deny_signal(&state.account, config, signal, "the database is behind", now);
            return self.record(cue, state, denials);
        }
        let Some(active) = state.configs.get(&config) else { return Ok(()) };
        let Some(asset) = state.assets.get(&signal.ticker) else { return Ok(()) };
        let context = SignalContext { terms: &active.terms, asset, limits: &state.limits, now };
        let events = decide_signal(&state.account, signal, &context);
        self.record(cue, state, events)
    }

    fn report(
        &self,
        cue: &Cue<AccountMessage>,
        state: &mut AccountState,
        report: &Report,
    ) -> Result<(), Fault> {
        let counters = &cue.stage.counters;
        match decide_report(&state.account, report) {
            Ok(events) if events.is_empty() => counters.reports_repeated.count(),
            Ok(events) => {
                self.record(cue, state, events)?;
                self.take_up_deferred(cue, state)?;
            }
            Err(ReportError::UnknownOrder(_)) => counters.reports_foreign.count(),
            Err(error) => self.halt(state, &error),
        }
        Ok(())
    }

    fn take_up_deferred(
        &self,
        cue: &Cue<AccountMessage>,
        state: &mut AccountState,
    ) -> Result<(), Fault> {
        if let Some((config, signal)) = state.account.deferred_ready() {
            self.signal(cue, state, config, &signal)?;
        }
        Ok(())
    }

    fn reconciled(&self, cue: &Cue<AccountMessage>, state: &mut AccountState) -> Result<(), Fault> {
        if state.not_trading.take().is_some() {
            tracing::info!(user.id = %self.user, "account of {} trades", self.user);
            // Signals that came meanwhile were not decided: have them told again.
            self.rewatch(cue, state);
        }
        self.take_up_deferred(cue, state)
    }

    /// Applies events and writes them down. What follows from them waits for the commit.
    pub(super) fn record(
        &self,
        cue: &Cue<AccountMessage>,
        state: &mut AccountState,
        events: Vec<Event>,
    ) -> Result<(), Fault> {
        if events.is_empty() {
            return Ok(());
        }
        let mut entry = Entry::new(self.user);
        for event in &events {
            state.account.apply(event)?;
            entry.note(&state.account, event)?;
            let order = event.client_order_id();
            let law = order.map_or(Ok(()), |id| invariants::check_around(&state.account, id));
            if let Err(broken) = law {
                self.halt(state, &broken);
            }
        }
        let commit = entry.commit(&state.account, cue.stage.clock.now());
        let reply = cue.me.clone();
        state.writing.push_back((state.account.seq(), events));
        Ok(self.parts.journal.tell(JournalMessage::Write { commit: Box::new(commit), reply })?)
    }

    fn journalled(
        &self,
        cue: &Cue<AccountMessage>,
        state: &mut AccountState,
        reply: JournalReply,
    ) -> Result<(), Fault> {
        let committed = match reply {
            JournalReply::Committed { seq } => seq,
            JournalReply::Refused { reason } => return Err(reason.into()),
        };
        while let Some((seq, events)) = state.writing.pop_front_if(|(seq, _)| *seq <= committed) {
            tracing::trace!(seq, "committed");
            for event in events {
                self.follow(cue, state, &event)?;
            }
        }
        Ok(())
    }

    /// What follows from a committed event. Committed first, sent second.
    fn follow(
        &self,
        cue: &Cue<AccountMessage>,
        state: &AccountState,
        event: &Event,
    ) -> Result<(), Fault> {
        super::event_log::told(cue, &state.account, event);
        match event {
            Event::OrderInitialized { draft, .. } => {
                if let Some(order) = state.account.order(&draft.client_order_id) {
                    let order = Box::new(order.clone());
                    broker_address(&cue.stage, self.user).tell(BrokerMessage::Send(order))?;
                }
            }
            Event::CancelRequested { client_order_id, .. } => {
                let id = client_order_id.clone();
                broker_address(&cue.stage, self.user).tell(BrokerMessage::Cancel(id))?;
            }
            Event::BookOpened { .. }
            | Event::BookClosed { .. }
            | Event::SignalNoted { .. }
            | Event::SignalDeferred { .. }
            | Event::OrderDenied { .. }
            | Event::OrderAcknowledged { .. }
            | Event::OrderFilled { .. }
            | Event::OrderClosed { .. } => {}
        }
        Ok(())
    }

    fn halt(&self, state: &mut AccountState, law: &dyn std::fmt::Display) {
        let user = self.user;
        tracing::error!(user.id = %user, "account of {user} is halted: {law}");
        state.halted = Some(law.to_string());
    }

    pub(super) fn rewatch(&self, cue: &Cue<AccountMessage>, state: &AccountState) {
        for active in state.configs.values() {
            for watch in active.watches(self.user, &cue.me) {
                // A floor that is between two lives asks everybody when it begins.
                drop(self.parts.floor.tell(FloorMessage::Watch(Box::new(watch))));
            }
        }
    }
}

/// Open orders whose approval is committed: the only ones that the broker may know of.
fn committed_open_orders(state: &AccountState) -> Vec<Order> {
    let unwritten: Vec<&ClientOrderId> = state
        .writing
        .iter()
        .flat_map(|(_, events)| events)
        .filter_map(|event| match event {
            Event::OrderInitialized { draft, .. } => Some(&draft.client_order_id),
            _ => None,
        })
        .collect();
    let committed = |order: &&Order| !unwritten.contains(&&order.draft.client_order_id);
    state.account.open_orders().filter(committed).cloned().collect()
}

fn summary(state: &AccountState) -> AccountView {
    let reason = state.halted.as_ref().or(state.not_trading.as_ref());
    view(&state.account, reason.cloned())
}
