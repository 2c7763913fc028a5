//! From the name of a broken constraint to a refusal a user can act on.

/// Name of the unique or check constraint a statement broke, if that is why it failed.
///
/// A value that is too long for its column has no constraint of its own; it answers
/// [`VALUE_TOO_LONG`].
pub(crate) fn broken(error: &sqlx::Error) -> Option<&str> {
    let database = error.as_database_error()?;
    match database.code()?.as_ref() {
        UNIQUE_VIOLATION | CHECK_VIOLATION => database.constraint(),
        STRING_TOO_LONG | NUMERIC_OUT_OF_RANGE | NUL_CHARACTER | NUL_IN_JSON => {
            Some(VALUE_TOO_LONG)
        }
        _ => None,
    }
}

/// Answer of [`broken`] for a value that does not fit its column.
pub(crate) const VALUE_TOO_LONG: &str = "value_does_not_fit";

const UNIQUE_VIOLATION: &str = "23505";
const CHECK_VIOLATION: &str = "23514";
const STRING_TOO_LONG: &str = "22001";
const NUMERIC_OUT_OF_RANGE: &str = "22003";
const NUL_CHARACTER: &str = "22021";
const NUL_IN_JSON: &str = "22P05";

/// Whether a text from outside can stand in the database at all. Asked for by one that cannot,
/// the answer is "not there", not an error.
pub(crate) fn can_be_stored(text: &str) -> bool {
    !text.contains('\0')
}
