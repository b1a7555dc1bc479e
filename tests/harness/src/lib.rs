//! Runs the functions' binaries as Lambda would: over a Runtime API on loopback, with a proxy between them and AWS.
#![expect(clippy::indexing_slicing, reason = "only JSON is indexed: a field that is not there reads as null")]

pub mod aws_call;
pub mod event;
pub mod function;
pub mod http;
pub mod proxy;
pub mod runtime_api;
pub mod stack;

/// Environment variables of a function.
pub type Variables = Vec<(String, String)>;
/// What can fail says why in words.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
