//! What the operations of the File API have in common, one module for each thing.

pub mod access;
pub mod acl;
pub mod auth;
pub mod aws;
pub mod collection;
pub mod collection_store;
pub mod config;
pub mod custom_url;
pub mod download;
pub mod error;
pub mod file;
pub mod file_batch;
pub mod file_store;
pub mod file_type;
pub mod filename;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod idempotency;
pub mod jwks;
pub mod log;
pub mod metadata;
pub mod object_copy;
pub mod object_key;
pub mod object_store;
pub mod object_stream;
pub mod page;
pub mod presign;
pub mod preview;
pub mod preview_store;
pub mod public_link;
pub mod public_url;
pub mod purge;
pub mod relation;
pub mod renderer;
pub mod s3ref;
pub mod session;
pub mod table;
pub mod upload;
pub mod upload_mark;
pub mod url_signature;

pub use error::ApiError;
