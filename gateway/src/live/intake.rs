//! What a client may say on a price stream, and how often.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

/// Largest message of a client, bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4096;

const MESSAGES_MAX: u32 = 20;
const WINDOW: TimeDelta = TimeDelta::seconds(10);

/// What a client said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It wants to know whether we are there.
    Ping,
    /// JSON that is no message of ours.
    Unknown,
    /// No JSON.
    Nonsense,
    /// Too much of it.
    TooMuch,
}

/// Counts the messages of one client.
#[derive(Debug)]
pub(crate) struct Intake {
    window_from: DateTime<Utc>,
    messages: u32,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
}

impl Intake {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self { window_from: now, messages: 0 }
    }

    /// Reads one message.
    pub(crate) fn read(&mut self, text: &str, now: DateTime<Utc>) -> Said {
        if !self.admits(now) {
            return Said::TooMuch;
        }
        match serde_json::from_str::<Message>(text) {
            Ok(message) if message.kind == "ping" => Said::Ping,
            Ok(_) => Said::Unknown,
            Err(error) if error.is_data() => Said::Unknown,
            Err(_) => Said::Nonsense,
        }
    }

    /// Counts one frame of whatever kind.
    pub(crate) fn admits(&mut self, now: DateTime<Utc>) -> bool {
        if !(TimeDelta::zero()..WINDOW).contains(&(now - self.window_from)) {
            *self = Self::new(now);
        }
        self.messages = self.messages.saturating_add(1);
        self.messages <= MESSAGES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_ping_is_understood_and_the_rest_is_told_apart() {
        let mut intake = Intake::new(at(0));
        let rows = [
            (r#"{"type":"ping"}"#, Said::Ping),
            (r#"{"type":"ping","id":7}"#, Said::Ping),
            (r#"{"type":"subscribe"}"#, Said::Unknown),
            ("{}", Said::Unknown),
            ("7", Said::Unknown),
            ("ping", Said::Nonsense),
            ("", Said::Nonsense),
        ];
        for (text, said) in rows {
            assert_eq!(intake.read(text, at(0)), said, "{text}");
        }
    }

    #[test]
    fn a_client_that_talks_too_much_is_stopped_until_the_window_ends() {
        let mut intake = Intake::new(at(0));
        let ping = r#"{"type":"ping"}"#;
        for _ in 0..MESSAGES_MAX {
            assert_eq!(intake.read(ping, at(5)), Said::Ping);
        }
        assert_eq!(intake.read(ping, at(9)), Said::TooMuch);
        assert_eq!(intake.read(ping, at(10)), Said::Ping);
    }
}
