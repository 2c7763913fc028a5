//! The journal: what every account decided, committed before anything is done about it.
//!
//! Owns: the queue of commits, the one transaction under way.
//! In: commits of accounts.
//! Out: to each account, that its commit is in the database, or why it never will be.
//! When it dies: what was queued is lost. A new life has every account with an unanswered write
//! begin anew, from what is in the database. Nothing was sent that is not there.
//!
//! Group commit: while one transaction runs, others queue, and the next one takes them all.

use crate::alpaca::Backoff;
use crate::desk::{AccountMessage, OfficeMessage};
use crate::stage::{Address, Cue, Fault, Message, Role, Running, Work};
use engine::{Clock, Timestamp};
use ractor::RpcReplyPort;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;
use storage::journal::{Commit, JournalError, Refusal, commit_each};

/// Commits that may wait. Accounts stop deciding long before.
const QUEUE_MAX: usize = 100_000;

/// What the journal is told.
pub(crate) enum JournalMessage {
    /// Fact: this is to be written.
    Write { commit: Box<Commit>, reply: Address<AccountMessage> },
    /// Command: answer once all that came before is committed.
    Settle { reply: RpcReplyPort<()> },
    /// Fact: the transaction under way has ended.
    Done(Vec<Refusal>),
    /// Fact: the database did not take it; it is tried again after a pause.
    Retrying { reason: String },
}

/// What an account is told of its commits.
#[derive(Debug)]
pub(crate) enum JournalReply {
    /// Everything up to this event is in the database.
    Committed { seq: i64 },
    /// It never will be: the account must rebuild itself.
    Refused { reason: String },
}

/// The role.
pub(crate) struct Journal {
    pub(crate) database: Database,
    pub(crate) batch_max: usize,
    pub(crate) backoff: Backoff,
    pub(crate) office: Address<OfficeMessage>,
}

/// Its state.
pub(crate) struct JournalState {
    queue: VecDeque<Waiting>,
    writing: Option<Writing>,
    trouble: Option<String>,
    largest: usize,
}

/// What waits, in the order in which it came.
enum Waiting {
    Commit {
        commit: Box<Commit>,
        reply: Address<AccountMessage>,
        /// Until this is written the engine is not idle.
        work: Work,
    },
    /// Answered once all before it is written; what comes after does not hold it up.
    Settle(RpcReplyPort<()>),
}

struct Writing {
    group: Vec<(uuid::Uuid, i64, Address<AccountMessage>)>,
    settling: Vec<RpcReplyPort<()>>,
    _works: Vec<Work>,
    _task: Running,
}

impl Message for JournalMessage {
    fn name(&self) -> &'static str {
        match self {
            Self::Write { .. } => "write",
            Self::Settle { .. } => "settle",
            Self::Done(_) => "done",
            Self::Retrying { .. } => "retrying",
        }
    }
}

impl Role for Journal {
    type Message = JournalMessage;
    type State = JournalState;

    const KIND: &'static str = "journal";

    async fn begin(&self, _cue: &Cue<JournalMessage>) -> Result<JournalState, Fault> {
        // On the very first start there is no office yet, and nothing was written.
        drop(self.office.tell(OfficeMessage::JournalBegan));
        Ok(JournalState { queue: VecDeque::new(), writing: None, trouble: None, largest: 0 })
    }

    async fn handle(
        &self,
        cue: &Cue<JournalMessage>,
        message: JournalMessage,
        state: &mut JournalState,
    ) -> Result<(), Fault> {
        match message {
            JournalMessage::Write { commit, reply } => {
                if state.queue.len() >= QUEUE_MAX {
                    return Err(format!("{QUEUE_MAX} commits wait for the database").into());
                }
                let work = cue.stage.work();
                state.queue.push_back(Waiting::Commit { commit, reply, work });
            }
            JournalMessage::Settle { reply } => state.queue.push_back(Waiting::Settle(reply)),
            JournalMessage::Done(refusals) => done(cue, state, &refusals),
            JournalMessage::Retrying { reason } => {
                cue.stage.counters.journal_retries.count();
                tracing::error!("the journal waits for the database: {reason}");
                state.trouble = Some(reason);
            }
        }
        self.next(cue, state);
        Ok(())
    }

    fn observe(&self, state: &JournalState) -> Value {
        json!({
            "queued": state.queue.len(), "writing": state.writing.as_ref().map_or(0, |now| now.group.len()),
            "largest_group": state.largest, "trouble": state.trouble,
        })
    }
}

impl Journal {
    /// Starts the next transaction, unless one runs.
    fn next(&self, cue: &Cue<JournalMessage>, state: &mut JournalState) {
        if state.writing.is_some() {
            return;
        }
        let (mut commits, mut group, mut works) = (Vec::new(), Vec::new(), Vec::new());
        let mut settling = Vec::new();
        while commits.len() < self.batch_max.max(1) {
            match state.queue.pop_front() {
                Some(Waiting::Commit { commit, reply, work }) => {
                    let seq = commit.events.last().map_or(0, |event| event.seq);
                    group.push((commit.user_id, seq, reply));
                    commits.push(*commit);
                    works.push(work);
                }
                Some(Waiting::Settle(port)) => settling.push(port),
                None => break,
            }
        }
        if commits.is_empty() {
            answer(settling);
            return;
        }
        state.largest = state.largest.max(commits.len());
        let write = write(
            self.database.clone(),
            commits,
            Arc::clone(&cue.stage.clock),
            self.backoff.clone(),
            cue.me.clone(),
        );
        let task = Running::start(write);
        state.writing = Some(Writing { group, settling, _works: works, _task: task });
    }
}

fn done(cue: &Cue<JournalMessage>, state: &mut JournalState, refusals: &[Refusal]) {
    let Some(writing) = state.writing.take() else { return };
    cue.stage.counters.journal_commits.count();
    if state.trouble.take().is_some() {
        tracing::info!("the journal writes again");
    }
    for (user, seq, account) in writing.group {
        let refusal = refusals.iter().find(|refusal| refusal.user_id == user);
        let reply = match refusal {
            None => JournalReply::Committed { seq },
            Some(refusal) => JournalReply::Refused { reason: refusal.error.to_string() },
        };
        // An account between two lives reads the database when it begins.
        drop(account.tell(AccountMessage::Journal(reply)));
    }
    answer(writing.settling);
}

/// Who asked may have given up waiting.
fn answer(ports: Vec<RpcReplyPort<()>>) {
    for port in ports {
        drop(port.send(()));
    }
}

/// Tries until the database has taken the group: a fact is never dropped. Trying again is safe, what
/// is stored already is left alone.
async fn write(
    database: Database,
    commits: Vec<Commit>,
    clock: Arc<dyn Clock>,
    mut backoff: Backoff,
    me: Address<JournalMessage>,
) {
    loop {
        match try_write(&database, &commits, clock.now()).await {
            Ok(refusals) => {
                drop(me.tell(JournalMessage::Done(refusals)));
                return;
            }
            Err(error) => {
                drop(me.tell(JournalMessage::Retrying { reason: error.to_string() }));
                let pause: Duration = backoff.pause();
                tokio::time::sleep(pause).await;
            }
        }
    }
}

async fn try_write(
    database: &Database,
    commits: &[Commit],
    now: Timestamp,
) -> Result<Vec<Refusal>, JournalError> {
    commit_each(database.pool(), commits, now).await
}
