//! The proof that previews are right and safe: how they look beside golden images, what the command does with bombs,
//! and the corpus that grew from the fuzz targets.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod fixtures;

mod bombs;
mod command;
mod corpus;
mod distance;
mod golden;
