//! Passwords: the rules they obey, and their Argon2id hashes.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::settings::PasswordCost;

/// Least length of a password, in characters.
pub const LENGTH_MIN: usize = 8;
/// Greatest length of a password, in bytes; beyond it hashing would be a way to keep us busy.
pub const LENGTH_MAX: usize = 256;

/// Hashes that are computed at the same moment, at most: each takes the memory of
/// [`PasswordCost::memory_kb`].
const PARALLEL_MAX: usize = 4;
const SALT_LENGTH: usize = 16;

/// Why a password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordPolicyError {
    /// Fewer than [`LENGTH_MIN`] characters.
    #[error("a password has at least {LENGTH_MIN} characters")]
    TooShort,
    /// More than [`LENGTH_MAX`] bytes.
    #[error("a password has at most {LENGTH_MAX} bytes")]
    TooLong,
    /// No upper-case letter.
    #[error("a password has at least one upper-case letter")]
    NoUpperCase,
    /// No lower-case letter.
    #[error("a password has at least one lower-case letter")]
    NoLowerCase,
    /// No digit.
    #[error("a password has at least one digit")]
    NoDigit,
    /// Letters, digits and spaces only.
    #[error("a password has at least one special character, such as ! or -")]
    NoSpecial,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The cost is outside of what Argon2 allows.
    #[error(
        "the cost of a password hash is out of range: {0}; check argon2_memory_kb and argon2_iterations"
    )]
    Cost(argon2::Error),
    /// The operating system gave no randomness for a salt.
    #[error("no randomness for a salt: {0}")]
    Random(rand::rand_core::OsError),
    /// Argon2 itself failed, or a stored hash cannot be read.
    #[error("a password hash cannot be computed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The runtime is going down.
    #[error("the computation of a password hash was cancelled")]
    Cancelled,
}

/// Whether a password is the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Right,
    /// It is, and its hash was made with another cost: hash it again while the password is known.
    RightButOutdated,
    /// It is not.
    Wrong,
}

/// Hashes and checks passwords away from the async threads, a few at a time.
#[derive(Debug, Clone)]
pub struct Hasher {
    cost: PasswordCost,
    permits: Arc<Semaphore>,
    /// What a login of an unknown user is checked against, so that it takes the same time.
    dummy: Arc<SecretString>,
}

impl PasswordPolicyError {
    /// Stable name for API answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::NoUpperCase => "password_needs_upper_case",
            Self::NoLowerCase => "password_needs_lower_case",
            Self::NoDigit => "password_needs_digit",
            Self::NoSpecial => "password_needs_special",
        }
    }
}

/// Names every rule that a password breaks; empty when it is good.
pub fn broken_rules(password: &str) -> Vec<PasswordPolicyError> {
    let special = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control();
    let rules = [
        (password.chars().count() < LENGTH_MIN, PasswordPolicyError::TooShort),
        (password.len() > LENGTH_MAX, PasswordPolicyError::TooLong),
        (!password.chars().any(char::is_uppercase), PasswordPolicyError::NoUpperCase),
        (!password.chars().any(char::is_lowercase), PasswordPolicyError::NoLowerCase),
        (!password.chars().any(|c| c.is_ascii_digit()), PasswordPolicyError::NoDigit),
        (!password.chars().any(special), PasswordPolicyError::NoSpecial),
    ];
    rules.into_iter().filter_map(|(broken, rule)| broken.then_some(rule)).collect()
}

/// Hashes a password with a fresh salt, as a PHC string. Blocks for tens of milliseconds.
pub fn hash(password: &SecretString, cost: PasswordCost) -> Result<SecretString, PasswordError> {
    let mut salt = [0_u8; SALT_LENGTH];
    OsRng.try_fill_bytes(&mut salt).map_err(PasswordError::Random)?;
    let hash: PasswordHash = argon2(cost)?
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .map_err(PasswordError::Hash)?;
    Ok(SecretString::from(hash.to_string()))
}

/// Compares a password with a stored hash, in a time that depends on neither. Blocks as long as
/// [`hash`] does.
pub fn verify(
    password: &SecretString,
    stored: &SecretString,
    cost: PasswordCost,
) -> Result<Verdict, PasswordError> {
    let stored = PasswordHash::new(stored.expose_secret())
        .map_err(|error| PasswordError::Hash(error.into()))?;
    let wanted = argon2(cost)?;
    match wanted.verify_password(password.expose_secret().as_bytes(), &stored) {
        Ok(()) if is_of_cost(&stored, cost) => Ok(Verdict::Right),
        Ok(()) => Ok(Verdict::RightButOutdated),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(PasswordError::Hash(error)),
    }
}

impl Hasher {
    /// Checks the cost by making the dummy hash with it. Blocks.
    pub fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        let nobody = SecretString::from("the password of nobody");
        let dummy = Arc::new(hash(&nobody, cost)?);
        Ok(Self { cost, permits: Arc::new(Semaphore::new(PARALLEL_MAX)), dummy })
    }

    /// [`hash`], away from the async threads.
    pub async fn hash(&self, password: SecretString) -> Result<SecretString, PasswordError> {
        let cost = self.cost;
        self.run(move || hash(&password, cost)).await
    }

    /// [`verify`], away from the async threads. Without a stored hash it takes the same time and
    /// answers [`Verdict::Wrong`].
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<SecretString>,
    ) -> Result<Verdict, PasswordError> {
        let cost = self.cost;
        let dummy = Arc::clone(&self.dummy);
        self.run(move || match stored {
            Some(stored) => verify(&password, &stored, cost),
            None => verify(&password, &dummy, cost).map(|_| Verdict::Wrong),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_closed| PasswordError::Cancelled)?;
        // The permit moves into the work: a caller that goes away must not free it early.
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        work.await.map_err(|_cancelled| PasswordError::Cancelled)?
    }
}

fn argon2(cost: PasswordCost) -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(cost.memory_kb, cost.iterations, 1, None).map_err(PasswordError::Cost)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn is_of_cost(stored: &PasswordHash, cost: PasswordCost) -> bool {
    Params::try_from(stored)
        .is_ok_and(|params| (params.m_cost(), params.t_cost()) == (cost.memory_kb, cost.iterations))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory_kb: 8, iterations: 1 };

    #[test]
    fn every_broken_rule_of_a_password_is_named() {
        use PasswordPolicyError as E;
        let rows: [(&str, &[E]); 9] = [
            ("SecurePass123!", &[]),
            ("Ünïcode-Pass1", &[]),
            ("Aa1!", &[E::TooShort]),
            ("secure-pass-1", &[E::NoUpperCase]),
            ("SECURE-PASS-1", &[E::NoLowerCase]),
            ("Secure-Pass", &[E::NoDigit]),
            ("SecurePass1", &[E::NoSpecial]),
            ("Secure Pass 1", &[E::NoSpecial]),
            ("", &[E::TooShort, E::NoUpperCase, E::NoLowerCase, E::NoDigit, E::NoSpecial]),
        ];
        for (password, broken) in rows {
            assert_eq!(broken_rules(password), broken, "{password:?}");
        }
        assert_eq!(broken_rules(&format!("Aa1!{}", "x".repeat(LENGTH_MAX))), [E::TooLong]);
    }

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let password = SecretString::from("SecurePass123!");
        let stored = hash(&password, CHEAP).unwrap();
        assert!(stored.expose_secret().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert_eq!(verify(&password, &stored, CHEAP).unwrap(), Verdict::Right);
        let other = SecretString::from("SecurePass123?");
        assert_eq!(verify(&other, &stored, CHEAP).unwrap(), Verdict::Wrong);
        assert_ne!(
            hash(&password, CHEAP).unwrap().expose_secret(),
            stored.expose_secret(),
            "the salt is fresh each time"
        );
    }

    #[test]
    fn a_hash_of_another_cost_is_right_but_outdated() {
        let password = SecretString::from("SecurePass123!");
        let stored = hash(&password, CHEAP).unwrap();
        let dearer = PasswordCost { memory_kb: 16, iterations: 1 };
        assert_eq!(verify(&password, &stored, dearer).unwrap(), Verdict::RightButOutdated);
    }

    #[tokio::test]
    async fn nobody_has_the_dummy_password() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let password = SecretString::from("the password of nobody");
        assert_eq!(hasher.verify(password, None).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_cost_that_argon2_does_not_allow_is_refused() {
        let free = PasswordCost { memory_kb: 1, iterations: 1 };
        assert!(matches!(Hasher::new(free), Err(PasswordError::Cost(_))));
    }
}
