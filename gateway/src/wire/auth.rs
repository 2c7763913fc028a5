//! Registration, login and tokens on the wire.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::user::UserSummary;

/// A user to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    /// A working address; nobody else's, whatever its case.
    #[serde(default)]
    #[schema(required, example = "user@example.com", max_length = 255)]
    pub(crate) email: String,
    /// 3 to 50 of letters, digits, `_`, `.` and `-`; nobody else's, whatever its case.
    #[serde(default)]
    #[schema(required, example = "trader123", min_length = 3, max_length = 50)]
    pub(crate) username: String,
    /// At least 8 characters with upper case, lower case, a digit and a special one.
    #[serde(default)]
    #[schema(required, value_type = String, format = Password, min_length = 8, max_length = 256)]
    pub(crate) password: SecretString,
    /// Optional.
    #[schema(example = "John", max_length = 100)]
    pub(crate) first_name: Option<String>,
    /// Optional.
    #[schema(example = "Doe", max_length = 100)]
    pub(crate) last_name: Option<String>,
}

/// Who wants in: by user name or by address, one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// The user's name; its address is taken here too.
    #[schema(example = "trader123")]
    pub(crate) username: Option<String>,
    /// The user's address, in place of the name.
    #[schema(example = "user@example.com")]
    pub(crate) email: Option<String>,
    /// The password.
    #[serde(default)]
    #[schema(required, value_type = String, format = Password)]
    pub(crate) password: SecretString,
}

/// The answer to a login on the `/v1` face. On the `/api` face the tokens travel as cookies and the
/// body holds `user` only.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginAnswer {
    /// For the `Authorization: Bearer` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    /// For `POST /auth/refresh`, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// Always `bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "bearer")]
    pub(crate) token_type: Option<&'static str>,
    /// Seconds until the access token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3600)]
    pub(crate) expires_in: Option<i64>,
    /// Who is logged in.
    pub(crate) user: UserSummary,
}

/// A refresh token; not needed where the cookie is sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshTokenRequest {
    /// As the last login or refresh answered it.
    #[schema(value_type = Option<String>)]
    pub(crate) refresh_token: Option<SecretString>,
}

/// The answer to a refresh on the `/v1` face. On the `/api` face the tokens travel as cookies and
/// the body holds `expires_in` only.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefreshAnswer {
    /// For the `Authorization: Bearer` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    /// For the next refresh, once; the one presented is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// Always `bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "bearer")]
    pub(crate) token_type: Option<&'static str>,
    /// Seconds until the access token expires.
    #[schema(example = 3600)]
    pub(crate) expires_in: i64,
}
