//! The office: opens a desk for each user who trades.
//!
//! Owns: the list of users with a desk.
//! In: commands of users, news of the floor.
//! Out: new desks, commands to accounts.
//! When it dies: a new life opens the desks of all active configs again; living ones are kept.

use super::AccountMessage;
use super::wiring::{DESKS, DeskParts, account_address, desk_path};
use crate::stage::{Cue, Fault, Message, Role, Running, is_supervised, living_pool};
use engine::UserId;
use ractor::RpcReplyPort;
use ractor_supervisor::DynamicSupervisorMsg;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the office is told.
pub(crate) enum OfficeMessage {
    /// Command: open the desk of this user, if it is not.
    Open { user: UserId, reply: RpcReplyPort<()> },
    /// Fact: the floor knows nobody any more.
    FloorBegan,
    /// Fact: the journal lost what waited in it.
    JournalBegan,
    /// Fact: these users have active configs.
    Active(Result<Vec<UserId>, String>),
    /// Command: which desks are there?
    Desks { reply: RpcReplyPort<Vec<UserId>> },
}

/// The role.
pub(crate) struct Office {
    pub(crate) parts: DeskParts,
}

/// Its state.
pub(crate) struct OfficeState {
    desks: BTreeSet<UserId>,
    _reading: Running,
}

impl Message for OfficeMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::FloorBegan => "floor_began",
            Self::JournalBegan => "journal_began",
            Self::Active(_) => "active",
            Self::Desks { .. } => "desks",
        }
    }
}

impl Role for Office {
    type Message = OfficeMessage;
    type State = OfficeState;

    const KIND: &'static str = "office";

    async fn begin(&self, cue: &Cue<OfficeMessage>) -> Result<OfficeState, Fault> {
        let (database, me, work) = (self.parts.database.clone(), cue.me.clone(), cue.stage.work());
        let reading = Running::start(async move {
            let users = active_users(&database).await;
            drop(me.tell(OfficeMessage::Active(users)));
            drop(work);
        });
        Ok(OfficeState { desks: BTreeSet::new(), _reading: reading })
    }

    async fn handle(
        &self,
        cue: &Cue<OfficeMessage>,
        message: OfficeMessage,
        state: &mut OfficeState,
    ) -> Result<(), Fault> {
        match message {
            OfficeMessage::Open { user, reply } => {
                self.open(cue, state, user)?;
                drop(reply.send(()));
            }
            OfficeMessage::FloorBegan => tell_all(cue, state, || AccountMessage::Rewatch),
            OfficeMessage::JournalBegan => tell_all(cue, state, || AccountMessage::JournalBegan),
            OfficeMessage::Active(Ok(users)) => {
                for user in users {
                    self.open(cue, state, user)?;
                }
            }
            OfficeMessage::Active(Err(reason)) => return Err(reason.into()),
            OfficeMessage::Desks { reply } => {
                drop(reply.send(state.desks.iter().copied().collect()));
            }
        }
        Ok(())
    }

    fn observe(&self, state: &OfficeState) -> Value {
        json!({ "desks": state.desks.len() })
    }
}

impl Office {
    fn open(
        &self,
        cue: &Cue<OfficeMessage>,
        state: &mut OfficeState,
        user: UserId,
    ) -> Result<(), Fault> {
        state.desks.insert(user);
        if is_supervised(&cue.stage, &desk_path(user)) {
            return Ok(());
        }
        let pool = living_pool(&cue.stage, DESKS).ok_or("the pool of desks is not running")?;
        let spec = self.parts.desk(&cue.stage, user);
        Ok(pool.send_message(DynamicSupervisorMsg::SpawnChild { spec, reply: None })?)
    }
}

/// An account between two lives begins with what the others are told.
fn tell_all(cue: &Cue<OfficeMessage>, state: &OfficeState, message: impl Fn() -> AccountMessage) {
    for user in &state.desks {
        drop(account_address(&cue.stage, *user).tell(message()));
    }
}

async fn active_users(database: &storage::Database) -> Result<Vec<UserId>, String> {
    let mut connection = database.pool().acquire().await.map_err(|error| error.to_string())?;
    let configs = storage::configs::all_active(&mut connection).await;
    let configs = configs.map_err(|error| error.to_string())?;
    let users: BTreeSet<_> = configs.iter().map(|config| UserId::new(config.user_id)).collect();
    Ok(users.into_iter().collect())
}
