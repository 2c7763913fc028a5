//! Which key belongs to which account, and how requests carry it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The header of the key id.
const KEY_HEADER: &str = "apca-api-key-id";
/// The header of the secret.
const SECRET_HEADER: &str = "apca-api-secret-key";

/// The keys of all accounts.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    keys: RwLock<HashMap<String, Key>>,
}

#[derive(Debug)]
struct Key {
    secret: SecretString,
    account_id: Uuid,
}

/// A key as a client presents it.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) key_id: String,
    pub(crate) secret: SecretString,
}

impl KeyRing {
    pub(crate) fn add(&self, key_id: String, secret: SecretString, account_id: Uuid) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key_id, Key { secret, account_id });
    }

    /// Forgets a key: whoever has it is not let in any more.
    pub(crate) fn remove(&self, key_id: &str) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).remove(key_id);
    }

    /// The secret of a key.
    pub(crate) fn secret(&self, key_id: &str) -> Option<SecretString> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(key_id).map(|key| key.secret.clone())
    }

    /// The account of a key, if the secret is right.
    pub(crate) fn check(&self, given: &Credentials) -> Option<Uuid> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&given.key_id)?;
        let expected = key.secret.expose_secret().as_bytes();
        let matches = expected.ct_eq(given.secret.expose_secret().as_bytes());
        bool::from(matches).then_some(key.account_id)
    }
}

impl Credentials {
    pub(crate) fn new(key_id: &str, secret: &str) -> Self {
        Self { key_id: key_id.to_owned(), secret: SecretString::from(secret) }
    }

    /// The key in a request's headers: Alpaca's own two, or HTTP basic authentication.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let (Some(key), Some(secret)) = (text(KEY_HEADER), text(SECRET_HEADER)) {
            return Some(Self::new(key, secret));
        }
        let basic = text(AUTHORIZATION.as_str())?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(base64(basic.trim())?).ok()?;
        let (key, secret) = decoded.split_once(':')?;
        Some(Self::new(key, secret))
    }
}

/// Decodes standard base64.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xFF).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_its_account_only_with_its_own_secret() {
        let ring = KeyRing::default();
        let account_id = Uuid::from_u128(7);
        ring.add("KEY".to_owned(), SecretString::from("secret"), account_id);
        assert_eq!(ring.check(&Credentials::new("KEY", "secret")), Some(account_id));
        assert_eq!(ring.check(&Credentials::new("KEY", "other")), None);
        assert_eq!(ring.check(&Credentials::new("NOBODY", "secret")), None);
    }

    #[test]
    fn both_kinds_of_headers_carry_the_key() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Basic S0VZOnNlY3JldA==".parse().unwrap());
        let basic = Credentials::of(&headers).unwrap();
        assert_eq!((basic.key_id.as_str(), basic.secret.expose_secret()), ("KEY", "secret"));
        let mut headers = HeaderMap::new();
        headers.insert("APCA-API-KEY-ID", "KEY".parse().unwrap());
        assert!(Credentials::of(&headers).is_none());
        headers.insert("APCA-API-SECRET-KEY", "secret".parse().unwrap());
        assert_eq!(Credentials::of(&headers).unwrap().key_id, "KEY");
    }
}
