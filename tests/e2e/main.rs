//! End-to-end tests against the deployed local stack: one module per operation, and one per promise that all keep.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod admin;
mod image;
mod stack;

mod access_public_link;
mod check_upload;
mod collections;
mod create_user_schema_file_collection;
mod delete_file;
mod delete_session;
mod delete_user_schema_file_collection;
mod download_file;
mod download_files;
mod download_s3_file;
mod generate_public_link;
mod get_file;
mod get_files_in_collection;
mod get_session;
mod get_user_schema_file_collections;
mod global_file_collections;
mod list_file_versions;
mod list_public_links_for_file;
mod preview_file;
mod preview_public_file;
mod preview_s3_file;
mod preview_s3_file_get;
mod purge_files;
mod redrive;
mod revoke_public_link;
mod save_file;
mod save_file_access_control;
mod save_file_access_list;
mod save_file_batch;
mod save_file_copy;
mod save_file_custom;
mod save_file_interrupted;
mod save_file_new_version;
mod save_file_relations;
mod save_file_repeated;
mod save_file_source_url;
mod update_user_schema_file_collection;
mod upload_file;
mod upload_file_public;
mod verify_custom_download_url;

mod bad_input;
mod bucket;
mod least_privilege;
mod limits;
mod logs;
#[cfg(target_os = "linux")] // that of the emulator in it
mod reply_limit;
mod runtime;
mod tokens;
