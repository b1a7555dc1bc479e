//! End-to-end tests against the deployed local stack: one module per operation, and one per promise that all keep.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod admin;
mod stack;

mod delete_file;
mod download_file;
mod get_file;
mod purge_files;
mod save_file;
mod save_file_access_control;
mod save_file_new_version;
mod save_file_source_url;
mod upload_file;
mod upload_file_public;

mod bad_input;
mod bucket;
mod least_privilege;
mod logs;
mod tokens;
