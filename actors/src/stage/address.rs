//! How an actor is reached: by path, over all its lives.

use super::role::{Envelope, Message};
use super::vitals::Vitals;
use arc_swap::ArcSwapOption;
use ractor::{ActorRef, RpcReplyPort};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::oneshot;

/// How long the operator's view waits for one actor.
const OBSERVE_TIMEOUT: Duration = Duration::from_millis(250);

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AskError {
    /// The actor is not alive now.
    #[error("{path} is not running")]
    NotRunning {
        /// Its path.
        path: String,
    },
    /// No answer in time. The actor may still do what was asked.
    #[error("{path} did not answer within {timeout_ms} ms")]
    TimedOut {
        /// Its path.
        path: String,
        /// How long was waited.
        timeout_ms: u128,
    },
}

/// The present life of the actor at a path.
pub(crate) struct Slot<M: Message> {
    actor: ArcSwapOption<ActorRef<Envelope<M>>>,
}

/// Reaches the actor at a path. Cheap to clone.
pub(crate) struct Address<M: Message> {
    slot: Arc<Slot<M>>,
    vitals: Arc<Vitals>,
}

impl<M: Message> Address<M> {
    pub(crate) fn new(slot: Arc<Slot<M>>, vitals: Arc<Vitals>) -> Self {
        Self { slot, vitals }
    }

    pub(crate) fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    pub(crate) fn path(&self) -> &str {
        self.vitals.path()
    }

    /// The actor of a new life takes its place.
    pub(crate) fn occupy(&self, actor: ActorRef<Envelope<M>>) {
        self.slot.actor.store(Some(Arc::new(actor)));
    }

    /// Sends without waiting. Nobody there is counted as a drop of the receiver's; a sender of
    /// facts must look at the answer.
    pub(crate) fn tell(&self, message: M) -> Result<(), AskError> {
        self.vitals.sending();
        let sent = match self.slot.actor.load().as_ref() {
            Some(actor) => actor.send_message(Envelope::Play(message)).is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        self.vitals.not_sent();
        Err(AskError::NotRunning { path: self.path().to_owned() })
    }

    /// Asks and waits, `timeout` at most.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        timeout: Duration,
        question: impl FnOnce(RpcReplyPort<R>) -> M,
    ) -> Result<R, AskError> {
        let (port, answer) = oneshot::channel();
        self.tell(question(port.into()))?;
        self.wait(timeout, answer).await
    }

    /// What the actor says of itself; null when it does not answer.
    pub(crate) async fn observe(&self) -> serde_json::Value {
        let (port, answer) = oneshot::channel();
        let asked = match self.slot.actor.load().as_ref() {
            Some(actor) => actor.send_message(Envelope::Observe(port)).is_ok(),
            None => false,
        };
        if !asked {
            return serde_json::Value::Null;
        }
        self.wait(OBSERVE_TIMEOUT, answer).await.unwrap_or(serde_json::Value::Null)
    }

    async fn wait<R>(
        &self,
        timeout: Duration,
        answer: oneshot::Receiver<R>,
    ) -> Result<R, AskError> {
        let path = self.path().to_owned();
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_gone)) => Err(AskError::NotRunning { path }),
            Err(_elapsed) => Err(AskError::TimedOut { path, timeout_ms: timeout.as_millis() }),
        }
    }
}

impl<M: Message> Default for Slot<M> {
    fn default() -> Self {
        Self { actor: ArcSwapOption::empty() }
    }
}

impl<M: Message> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), vitals: Arc::clone(&self.vitals) }
    }
}

impl<M: Message> fmt::Debug for Address<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Address").field(&self.path()).finish()
    }
}
