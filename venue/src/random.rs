//! Secrets that nobody chose.

use rand::TryRngCore;
use rand::rand_core::OsError;
use rand::rngs::OsRng;
use secrecy::SecretString;

/// Thirty-two letters that cannot be taken for each other.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Random letters from the system, five bits each.
pub(crate) fn letters(length: usize) -> Result<SecretString, OsError> {
    let mut bytes = vec![0; length];
    OsRng.try_fill_bytes(&mut bytes)?;
    let text: String =
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other) = (letters(40).unwrap(), letters(40).unwrap());
        assert_eq!(one.expose_secret().len(), 40);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
