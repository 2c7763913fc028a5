//! What a fault is: what it does, to whom, and when. The same words in a plan file, on the admin
//! port and in a program.

use serde::{Deserialize, Serialize};

use super::delay::{DELAY_MS_MAX, Delay};
use super::scope::FaultScope;
use super::trigger::FaultTrigger;
use crate::error::VenueError;

/// Copies of one update at most.
const REPEATS_MAX: u32 = 100;
/// A reordered update waits for this many later ones at most.
const REORDER_AFTER_MAX: u32 = 1_000;

/// One fault: what it does, what it applies to, and when it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub inject: FaultKind,
    /// What it can happen to; everything when nothing is named.
    #[serde(default)]
    pub scope: FaultScope,
    /// When it happens; every time when nothing is named.
    #[serde(default)]
    pub trigger: FaultTrigger,
}

/// What happens. The catalogue with examples is in `docs/venue.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// A request is answered 429 and not served.
    RateLimit {
        /// The `Retry-After` header, in seconds; 0 leaves the header out.
        #[serde(default = "one_second")]
        retry_after_s: u64,
    },
    /// A request is answered with a status of 500 to 599.
    ServerError {
        /// The status.
        #[serde(default = "internal_error")]
        status: u16,
        /// The request is served all the same (the order is taken), only the answer is wrong.
        #[serde(default)]
        committed: bool,
    },
    /// A request is answered 401, a stream refuses the key.
    Unauthorized {},
    /// The answer of a served request comes late.
    SlowAnswer {
        /// How late.
        delay: Delay,
    },
    /// The connection is closed before the request is served.
    LostRequest {},
    /// The request is served (the order is taken), then the connection is closed without an
    /// answer.
    LostAnswer {},
    /// The request is served, and the connection is closed within the answer.
    CutAnswer {
        /// Bytes of the answer that still arrive, its head included.
        #[serde(default = "cut_bytes")]
        bytes: usize,
    },
    /// A trade update is sent again, with the same identifiers.
    RepeatUpdate {
        /// How many more times.
        #[serde(default = "once")]
        times: u32,
        /// How long after the first one, and after each other.
        #[serde(default)]
        delay: Delay,
    },
    /// A trade update is sent late; later ones overtake it.
    LateUpdate {
        /// How late.
        delay: Delay,
    },
    /// A trade update is sent only after later ones of the account.
    ReorderUpdates {
        /// After how many.
        #[serde(default = "once")]
        after: u32,
        /// It is sent after this long even when no later one came, in milliseconds.
        #[serde(default = "one_second_ms")]
        at_most_ms: u64,
    },
    /// A trade update is never sent.
    DropUpdate {},
    /// An execution is reported, and also reported as busted. The books keep it: a client that
    /// takes the message for the truth finds the difference when it reconciles.
    Bust {
        /// The bust arrives before the execution that it is about.
        #[serde(default)]
        before: bool,
    },
    /// A stream stays open and says nothing more: no data, no pong.
    Stall {
        /// For how long, in milliseconds of the machine's clock; until the fault is removed when
        /// left out.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// A stream's connection ends at a frame.
    Disconnect {
        /// Before, within or after that frame.
        #[serde(default)]
        at: Cut,
        /// Say goodbye with this close code; without one the connection just ends.
        #[serde(default)]
        close_code: Option<u16>,
    },
    /// A data stream sends one of Alpaca's error messages, such as 406 or 407, and closes.
    StreamError {
        /// The error's number, 400 to 500.
        code: u16,
    },
    /// A symbol does not trade: a status message says so, no order fills.
    Halt {
        /// What becomes of new orders.
        #[serde(default)]
        orders: HaltedOrders,
    },
    /// Quotes of a symbol stop while the clock and the trades go on.
    StaleQuote {},
    /// An order is accepted and then rejected.
    RejectOrder {},
    /// The request is served, then the clock jumps to the close of the session (simulated clocks
    /// only).
    EndDay {},
}

/// Where in a stream a connection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Before the frame.
    #[default]
    Before,
    /// With half of the frame on the wire.
    MidFrame,
    /// After the frame.
    After,
}

/// What becomes of orders for a halted symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltedOrders {
    /// They are taken and rest until the symbol trades again.
    #[default]
    Rest,
    /// They are refused.
    Refuse,
}

/// Where in the venue a kind of fault strikes; it decides what may be named in the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Http,
    /// Requests and the authentication of streams alike.
    Key,
    Update,
    Frame,
    /// Lasts for a time instead of striking calls.
    Market,
    Order,
}

impl Fault {
    /// A fault that strikes everything, every time.
    pub fn new(inject: FaultKind) -> Self {
        Self { inject, scope: FaultScope::default(), trigger: FaultTrigger::default() }
    }

    /// The same fault for a part of the venue only.
    #[must_use]
    pub fn within(mut self, scope: FaultScope) -> Self {
        self.scope = scope;
        self
    }

    /// The same fault at certain times only.
    #[must_use]
    pub fn when(mut self, trigger: FaultTrigger) -> Self {
        self.trigger = trigger;
        self
    }

    /// Refuses what makes no sense, with the name of the member.
    pub(super) fn check(&self) -> Result<(), VenueError> {
        self.inject.check()?;
        self.scope.check(&self.inject)?;
        self.trigger.check(self.inject.family())
    }
}

impl FaultKind {
    /// The kind's name in plans, answers and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RateLimit { .. } => "rate_limit",
            Self::ServerError { .. } => "server_error",
            Self::Unauthorized {} => "unauthorized",
            Self::SlowAnswer { .. } => "slow_answer",
            Self::LostRequest {} => "lost_request",
            Self::LostAnswer {} => "lost_answer",
            Self::CutAnswer { .. } => "cut_answer",
            Self::RepeatUpdate { .. } => "repeat_update",
            Self::LateUpdate { .. } => "late_update",
            Self::ReorderUpdates { .. } => "reorder_updates",
            Self::DropUpdate {} => "drop_update",
            Self::Bust { .. } => "bust",
            Self::Stall { .. } => "stall",
            Self::Disconnect { .. } => "disconnect",
            Self::StreamError { .. } => "stream_error",
            Self::Halt { .. } => "halt",
            Self::StaleQuote {} => "stale_quote",
            Self::RejectOrder {} => "reject_order",
            Self::EndDay {} => "end_day",
        }
    }

    pub(super) fn family(&self) -> Family {
        match self {
            Self::Unauthorized {} => Family::Key,
            Self::RateLimit { .. }
            | Self::ServerError { .. }
            | Self::SlowAnswer { .. }
            | Self::LostRequest {}
            | Self::LostAnswer {}
            | Self::CutAnswer { .. }
            | Self::EndDay {} => Family::Http,
            Self::RepeatUpdate { .. }
            | Self::LateUpdate { .. }
            | Self::ReorderUpdates { .. }
            | Self::DropUpdate {}
            | Self::Bust { .. } => Family::Update,
            Self::Stall { .. } | Self::Disconnect { .. } | Self::StreamError { .. } => {
                Family::Frame
            }
            Self::Halt { .. } | Self::StaleQuote {} => Family::Market,
            Self::RejectOrder {} => Family::Order,
        }
    }

    fn check(&self) -> Result<(), VenueError> {
        match self {
            Self::ServerError { status, .. } if !(500..=599).contains(status) => {
                Err(wrong("inject.status", status, "500 to 599"))
            }
            Self::StreamError { code } if !(400..=500).contains(code) => {
                Err(wrong("inject.code", code, "400 to 500, as Alpaca's stream errors are"))
            }
            Self::Disconnect { close_code: Some(code), .. } if !(1000..=4999).contains(code) => {
                Err(wrong("inject.close_code", code, "1000 to 4999"))
            }
            Self::Disconnect { at: Cut::MidFrame, close_code: Some(code) } => Err(wrong(
                "inject.close_code",
                code,
                "left out: nobody can say goodbye in the middle of a frame",
            )),
            Self::RepeatUpdate { times, .. } if !(1..=REPEATS_MAX).contains(times) => {
                Err(wrong("inject.times", times, "1 to 100"))
            }
            Self::ReorderUpdates { after, .. } if !(1..=REORDER_AFTER_MAX).contains(after) => {
                Err(wrong("inject.after", after, "1 to 1000"))
            }
            Self::ReorderUpdates { at_most_ms: ms, .. } | Self::Stall { for_ms: Some(ms) }
                if *ms > DELAY_MS_MAX =>
            {
                Err(wrong("inject", ms, "600000 milliseconds at most"))
            }
            Self::SlowAnswer { delay }
            | Self::LateUpdate { delay }
            | Self::RepeatUpdate { delay, .. } => delay.check(),
            _ => Ok(()),
        }
    }
}

/// A refusal that names the member.
pub(super) fn wrong(
    member: &'static str,
    value: &impl ToString,
    expected: &'static str,
) -> VenueError {
    VenueError::Fault { member, value: value.to_string(), expected }
}

fn one_second() -> u64 {
    1
}

fn one_second_ms() -> u64 {
    1_000
}

fn internal_error() -> u16 {
    500
}

fn cut_bytes() -> usize {
    40
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_misspelt_member_is_refused_wherever_it_stands() {
        for text in [
            r#"{"inject": {"kind": "lost_answer", "bytes": 3}}"#,
            r#"{"inject": {"kind": "lost_anser"}}"#,
            r#"{"inject": {"kind": "rate_limit", "retry": 3}}"#,
            r#"{"inject": {"kind": "rate_limit"}, "scope": {"paths": "/v2"}}"#,
            r#"{"inject": {"kind": "rate_limit"}, "trigger": {"counts": 2}}"#,
            r#"{"inject": {"kind": "rate_limit"}, "when": {}}"#,
            r#"{"inject": {"kind": "slow_answer", "delay": {"fixed": 2}}}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_name_of_the_member() {
        for (text, member) in [
            (r#"{"inject": {"kind": "server_error", "status": 404}}"#, "inject.status"),
            (r#"{"inject": {"kind": "stream_error", "code": 3}}"#, "inject.code"),
            (r#"{"inject": {"kind": "repeat_update", "times": 0}}"#, "inject.times"),
            (
                r#"{"inject": {"kind": "disconnect", "at": "mid_frame", "close_code": 1000}}"#,
                "inject.close_code",
            ),
            (
                r#"{"inject": {"kind": "slow_answer", "delay": {"uniform_ms": [9, 3]}}}"#,
                "inject.delay",
            ),
            (r#"{"inject": {"kind": "halt"}, "scope": {"account": "A"}}"#, "scope.account"),
            (r#"{"inject": {"kind": "stall"}, "scope": {"path": "/v2"}}"#, "scope.path"),
            (r#"{"inject": {"kind": "rate_limit"}, "scope": {"path": "v2"}}"#, "scope.path"),
            (r#"{"inject": {"kind": "rate_limit"}, "trigger": {"every": 0}}"#, "trigger.every"),
            (
                r#"{"inject": {"kind": "rate_limit"}, "trigger": {"probability": 1.5}}"#,
                "trigger.probability",
            ),
            (r#"{"inject": {"kind": "halt"}, "trigger": {"count": 2}}"#, "trigger"),
        ] {
            match read(text).check() {
                Err(VenueError::Fault { member: named, .. }) => assert_eq!(named, member, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_fault_that_is_written_down_reads_the_same() {
        let fault = Fault::new(FaultKind::SlowAnswer { delay: Delay::UniformMs([1, 5]) })
            .within(FaultScope::path("/v2"))
            .when(FaultTrigger::nth(3));
        assert_eq!(read(&serde_json::to_string(&fault).unwrap()), fault);
        assert_eq!(fault.check().map_err(|error| error.to_string()), Ok(()));
    }
}
