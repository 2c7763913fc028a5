//! Access tokens (signed, short-lived) and refresh tokens (random, stored as a hash).

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use storage::users::Role;
use uuid::Uuid;

/// Least length of the signing secret, in bytes: as long as the signature.
pub(crate) const SECRET_LENGTH_MIN: usize = 32;

const REFRESH_TOKEN_LENGTH: usize = 32;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The user.
    pub(crate) sub: Uuid,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// This token.
    pub(crate) jti: Uuid,
    /// The login it descends from: the family of its refresh token.
    pub(crate) sid: Uuid,
    /// Seconds since 1970.
    pub(crate) iat: i64,
    /// Seconds since 1970; the token is refused from then on.
    pub(crate) exp: i64,
    pub(crate) iss: String,
    pub(crate) aud: String,
}

/// Whom an access token is made for.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) user_id: Uuid,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) session_id: Uuid,
}

/// Why a token was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// Not a token of ours.
    Invalid,
    /// It was, once.
    Expired,
}

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("an access token cannot be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    #[error("no randomness for a refresh token: {0}")]
    Random(rand::rand_core::OsError),
}

/// Signs and checks access tokens.
pub(crate) struct TokenSigner {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TokenSigner").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl TokenSigner {
    pub(crate) fn new(secret: &SecretString, issuer: &str, audience: &str) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the operating system for the time; we have a clock of our own.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        }
    }

    /// A token for `subject` that lives for `lifetime` from `now`.
    pub(crate) fn sign(
        &self,
        subject: &Subject,
        jti: Uuid,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Result<String, TokenError> {
        let claims = Claims {
            sub: subject.user_id,
            email: subject.email.clone(),
            role: subject.role,
            jti,
            sid: subject.session_id,
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add(lifetime.num_seconds()),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?)
    }

    /// What a presented token says, if it is ours and still alive.
    pub(crate) fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, TokenRefusal> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_why| TokenRefusal::Invalid)?;
        if data.claims.exp <= now.timestamp() {
            return Err(TokenRefusal::Expired);
        }
        Ok(data.claims)
    }
}

/// A fresh refresh token: 256 random bits in hex.
pub(crate) fn refresh_token() -> Result<SecretString, TokenError> {
    let mut bytes = [0_u8; REFRESH_TOKEN_LENGTH];
    OsRng.try_fill_bytes(&mut bytes).map_err(TokenError::Random)?;
    Ok(SecretString::from(hex(&bytes)))
}

/// What the database keeps of a refresh token.
pub(crate) fn refresh_token_hash(token: &SecretString) -> String {
    hex(&Sha256::digest(token.expose_secret().as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str, issuer: &str, audience: &str) -> TokenSigner {
        TokenSigner::new(&SecretString::from(secret.repeat(32)), issuer, audience)
    }

    fn subject() -> Subject {
        Subject {
            user_id: Uuid::from_u128(1),
            email: "user@example.com".to_owned(),
            role: Role::User,
            session_id: Uuid::from_u128(2),
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_token_is_taken_until_it_expires() {
        let signer = signer("a", "troupe", "web");
        let hour = TimeDelta::hours(1);
        let token = signer.sign(&subject(), Uuid::from_u128(3), at(0), hour).unwrap();
        let claims = signer.check(&token, at(3599)).unwrap();
        assert_eq!((claims.sub, claims.sid), (Uuid::from_u128(1), Uuid::from_u128(2)));
        assert_eq!((claims.iat, claims.exp), (at(0).timestamp(), at(3600).timestamp()));
        assert_eq!(signer.check(&token, at(3600)), Err(TokenRefusal::Expired));
    }

    #[test]
    fn a_token_of_another_key_issuer_audience_or_algorithm_is_refused() {
        let ours = signer("a", "troupe", "web");
        let hour = TimeDelta::hours(1);
        for other in [
            signer("b", "troupe", "web"),
            signer("a", "other", "web"),
            signer("a", "troupe", "other"),
        ] {
            let token = other.sign(&subject(), Uuid::from_u128(3), at(0), hour).unwrap();
            assert_eq!(ours.check(&token, at(1)), Err(TokenRefusal::Invalid));
        }
        // {"alg":"none"} with our claims and no signature.
        let token = ours.sign(&subject(), Uuid::from_u128(3), at(0), hour).unwrap();
        let claims = token.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
        assert_eq!(ours.check(&unsigned, at(1)), Err(TokenRefusal::Invalid));
        assert_eq!(ours.check("", at(1)), Err(TokenRefusal::Invalid));
    }

    #[test]
    fn refresh_tokens_are_long_and_differ() {
        let (first, second) = (refresh_token().unwrap(), refresh_token().unwrap());
        assert_eq!(first.expose_secret().len(), 64);
        assert_ne!(first.expose_secret(), second.expose_secret());
        let known = SecretString::from("abc");
        assert_eq!(
            refresh_token_hash(&known),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
