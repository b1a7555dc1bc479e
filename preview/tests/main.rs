//! The proof that previews are right and safe: how they look beside golden images, what the command does with bombs,
//! and the corpus that grew from the fuzz targets.

#![allow(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used)]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::many_single_char_names,
    reason = "it reads better"
)]

mod fixtures;

mod bombs;
mod command;
mod corpus;
mod distance;
mod golden;
mod watchdog;
