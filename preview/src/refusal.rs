//! Why there is no preview.

/// Why there is no preview of a file, as a sentence for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of no type that has previews.
    #[error("there are no previews of files of this type")]
    Unsupported,
    /// It is damaged, or not what it begins as.
    #[error("the file is damaged")]
    Broken,
    /// It cannot be read without a password.
    #[error("the file is encrypted")]
    Encrypted,
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It has more of something than [`crate::Limits`] allows.
    #[error("the file has too many {0} for a preview")]
    TooMany(&'static str),
}
