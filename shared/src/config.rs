//! Settings from the function's environment, read once at start so that a wrong deployment fails at once.

use std::str::FromStr;

/// A setting that is missing or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// The variable is set to something that does not parse.
    #[error("environment variable {0} is not valid: {1}")]
    Invalid(&'static str, String),
}

/// The variable's value, if it is set and not empty.
#[must_use]
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variable's value.
///
/// # Errors
/// `Missing` if it is not set or empty.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// The variable's value as a `T`, such as a number of bytes or days.
///
/// # Errors
/// `Missing` or `Invalid`.
pub fn parsed<T: FromStr>(name: &'static str) -> Result<T, ConfigError> {
    let value = required(name)?;
    value.parse().map_err(|_| ConfigError::Invalid(name, value))
}
