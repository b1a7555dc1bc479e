//! End-to-end tests against the deployed local stack: one module per operation, and one per promise that all keep.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod admin;
mod stack;

mod delete_file;
mod delete_session;
mod download_file;
mod download_files;
mod download_s3_file;
mod get_file;
mod get_session;
mod purge_files;
mod save_file;
mod save_file_access_control;
mod save_file_new_version;
mod upload_file;
mod upload_file_public;
mod verify_custom_download_url;

mod bad_input;
mod bucket;
mod least_privilege;
mod logs;
mod tokens;
