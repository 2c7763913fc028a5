//! Why something was not done to a config.

use storage::configs::ConfigError;

use crate::problem::Problem;

/// The refusals of all operations on configs; fields that are wrong are another matter.
#[derive(Debug)]
pub(crate) enum ConfigRefusal {
    /// There is none, or it is another user's: both look the same.
    NotFound,
    /// The user has another config of that name.
    NameTaken,
    /// It must not change while it trades.
    Active,
    /// The user has as many as a user may have.
    TooMany,
    /// Whether the venue lists its tickers cannot be found out.
    VenueUnavailable,
    /// The database keeps to a rule that our checks do not know.
    Invalid {
        /// The field it is about.
        field: &'static str,
    },
    /// Something failed.
    Failed(Problem),
}

impl From<ConfigRefusal> for Problem {
    fn from(refusal: ConfigRefusal) -> Self {
        match refusal {
            ConfigRefusal::NotFound => Self::not_found("you have no trading config with this id"),
            ConfigRefusal::NameTaken => {
                Self::conflict("name_taken", "you have another config of this name")
            }
            ConfigRefusal::Active => Self::conflict(
                "config_active",
                "the config is trading: deactivate it first, then change it",
            ),
            ConfigRefusal::TooMany => Self::conflict(
                "too_many_configs",
                "you have as many configs as a user may have; delete one first",
            ),
            ConfigRefusal::VenueUnavailable => Self::unavailable(
                "venue_unavailable",
                "the venue cannot be asked for its tickers now; try again later",
            ),
            ConfigRefusal::Invalid { field } => {
                Self::field(field, "invalid", "the database does not take this value")
            }
            ConfigRefusal::Failed(problem) => problem,
        }
    }
}

impl From<ConfigError> for ConfigRefusal {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NameTaken => Self::NameTaken,
            ConfigError::Invalid { constraint } => Self::Invalid {
                field: match constraint.as_str() {
                    "valid_name" => "name",
                    "valid_tickers" => "tickers",
                    "valid_check_interval" => "check_interval",
                    "valid_strategies" => "strategies",
                    "valid_capital_share" => "capital_share",
                    _ => "body",
                },
            },
            ConfigError::Storage(error) => Self::Failed(error.into()),
            other => Self::Failed(Problem::internal().with_cause(other)),
        }
    }
}
