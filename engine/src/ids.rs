//! The identifiers of the trading domain, each a type of its own.

use crate::clock::Timestamp;
use crate::strategy::Stance;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids that are computed from other ids (UUID version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x7f0e_5b0a_5f2d_4d0e_9a66_1f2c_8d3b_4c11);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an existing id, as stored or received.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as it is stored and sent.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes an existing id, as stored or received.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id as it is stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

uuid_id! {
    /// A user of the engine; also the name of that user's account and desk.
    UserId
}
uuid_id! {
    /// A trading config: one sub-account of its user.
    ConfigId
}
uuid_id! {
    /// The id that the venue gives an order.
    VenueOrderId
}
uuid_id! {
    /// A change of mind of one strategy instance.
    SignalId
}
text_id! {
    /// The id that we give an order, before anybody else knows of it.
    ClientOrderId
}
text_id! {
    /// The id that the venue gives one execution of an order.
    ExecutionId
}
text_id! {
    /// One strategy with its parameters on one ticker and bar length, such as
    /// `sma_cross(fast=10,slow=20)@AAPL/60s`. Shared by all configs that run it.
    InstanceId
}

impl SignalId {
    /// The id of what `instance` decided at the close of the bar that ended at `at`: the same
    /// decision has the same id, in a replay and after a restart too.
    pub fn of(instance: &InstanceId, at: Timestamp, stance: Stance) -> Self {
        let name = format!("signal|{instance}|{}|{}", at.to_rfc3339(), stance.code());
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

impl ClientOrderId {
    /// The id of the order that `signal` causes in `config` of `user`. A pure function: one signal
    /// can never make two orders, because the venue and the journal both refuse the second.
    pub fn of_signal(user: UserId, config: ConfigId, signal: SignalId) -> Self {
        let name = format!("order|{user}|{config}|{signal}");
        let id = Uuid::new_v5(&NAMESPACE, name.as_bytes());
        Self(format!("troupe-{}", id.simple()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn one_signal_of_one_config_names_one_order() {
        let at = chrono::Utc.timestamp_opt(1_700_000_000, 0).unwrap();
        let signal = SignalId::of(&InstanceId::new("rsi@AAPL/60s"), at, Stance::Long);
        let user = UserId::new(Uuid::from_u128(1));
        let first = ClientOrderId::of_signal(user, ConfigId::new(Uuid::from_u128(2)), signal);
        let again = ClientOrderId::of_signal(user, ConfigId::new(Uuid::from_u128(2)), signal);
        let other = ClientOrderId::of_signal(user, ConfigId::new(Uuid::from_u128(3)), signal);
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert!(first.as_str().len() <= 128, "the venue takes at most 128 characters");
    }
}
