//! The way into the database: the journal, which trading waits for, and the recorder, which
//! nobody waits for.

mod journal;
mod recorder;

pub(crate) use journal::{Journal, JournalMessage, JournalReply};
pub(crate) use recorder::{Recorder, RecorderMessage};
