//! What an actor of ours is, and the one wrapper that counts, times and reports each of them.

use super::Stage;
use super::address::Address;
use futures_util::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::Value;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// What ends an actor: it is broken, and its supervisor shall start it again.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A message. Its doc comment says its class: a fact is never dropped, a command is answered or
/// times out and is idempotent, a quote may be conflated.
pub(crate) trait Message: Send + 'static {
    /// Short name for the observatory.
    fn name(&self) -> &'static str;
}

/// An actor: sole owner of its state, which it rebuilds in [`Role::begin`] and nowhere else.
pub(crate) trait Role: Sized + Send + Sync + 'static {
    type Message: Message;
    type State: Send + 'static;

    /// What it is, for the observatory.
    const KIND: &'static str;

    /// Builds the state; the first start and a restart are the same.
    fn begin(
        &self,
        cue: &Cue<Self::Message>,
    ) -> impl Future<Output = Result<Self::State, Fault>> + Send;

    /// Handles one message. `Err` means "I am broken"; a "no" is an answer.
    fn handle(
        &self,
        cue: &Cue<Self::Message>,
        message: Self::Message,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// A small summary for the operator and for tests.
    fn observe(&self, state: &Self::State) -> Value;
}

/// What an actor is given to act with.
#[derive(Clone)]
pub(crate) struct Cue<M: Message> {
    /// The ground it stands on.
    pub(crate) stage: Arc<Stage>,
    /// Its own address.
    pub(crate) me: Address<M>,
}

/// What travels in a mailbox.
pub(crate) enum Envelope<M> {
    /// A message of the role's.
    Play(M),
    /// "What do you say of yourself?" A question, not counted: looking must change nothing.
    Observe(oneshot::Sender<Value>),
}

/// Runs a role under ractor and keeps its vitals.
pub(crate) struct Player<R: Role> {
    pub(crate) role: R,
    pub(crate) cue: Cue<R::Message>,
}

#[ractor::async_trait]
impl<R: Role> Actor for Player<R> {
    type Msg = Envelope<R::Message>;
    type State = R::State;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let vitals = self.cue.me.vitals();
        vitals.started(myself.get_cell(), self.cue.stage.clock.now());
        self.cue.me.occupy(myself);
        let begun = AssertUnwindSafe(self.role.begin(&self.cue)).catch_unwind().await;
        self.watched(begun.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let message = match envelope {
            Envelope::Play(message) => message,
            Envelope::Observe(port) => {
                // Nobody waits any more: no harm done.
                drop(port.send(self.role.observe(state)));
                return Ok(());
            }
        };
        let vitals = self.cue.me.vitals();
        vitals.begins(message.name());
        let start = monotonic();
        let work = AssertUnwindSafe(self.role.handle(&self.cue, message, state));
        let outcome = work.catch_unwind().await;
        vitals.handled(start.elapsed());
        self.watched(outcome.unwrap_or_else(|panic| Err(panicked(&*panic))))
    }
}

impl<R: Role> Player<R> {
    fn watched<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            let path = self.cue.me.path();
            tracing::error!(actor.path = path, "actor {path} failed: {fault}");
            self.cue.me.vitals().failed(fault.to_string());
            self.cue.stage.counters.actor_failures.count();
        }
        outcome
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_else(|| "no message".to_owned())).into()
}

#[expect(clippy::disallowed_methods, reason = "handling times are measured, never decided on")]
fn monotonic() -> Instant {
    Instant::now()
}
