//! Flags of `troupe user`.

use clap::{Args, Subcommand, ValueEnum};

use super::StorageArgs;

/// Flags of `troupe user`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    /// What to do with users.
    #[command(subcommand)]
    pub(crate) command: UserCommand,
    /// Where the database is.
    #[command(flatten)]
    pub(super) storage: StorageArgs,
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user. The password is asked for, or is the first line of stdin.
    Add {
        /// Name to log in with.
        username: String,
        /// E-mail address, which also serves to log in.
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// What the user may do.
        #[arg(long, value_enum, default_value_t = RoleName::User)]
        role: RoleName,
    },
    /// List users, newest last.
    List {
        /// Users at most.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Users to skip.
        #[arg(long, value_name = "N", default_value_t = 0)]
        offset: u32,
    },
    /// Change what a user may do.
    Role {
        /// Name of the user.
        username: String,
        /// The new role.
        #[arg(value_enum)]
        role: RoleName,
    },
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Trade.
    User,
    /// Trade, watch and restart actors, read the audit log, stop all trading.
    Operator,
    /// What an operator may, and manage users.
    Admin,
}
