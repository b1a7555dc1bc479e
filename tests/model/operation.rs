//! Random operations.

use crate::file::{CALLERS, Rights};
use proptest::prelude::*;

/// One operation of a caller; files are chosen by a number, counted from the newest.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A new upload is saved as a new file, by so many requests at once.
    Create {
        caller: usize,
        is_public: bool,
        times: usize,
    },
    /// A new upload is saved as a version, by so many requests at once.
    Version {
        caller: usize,
        file: usize,
        times: usize,
    },
    /// An upload that became a version long ago is saved again.
    Again {
        file: usize,
        version: usize,
    },
    Name {
        caller: usize,
        file: usize,
        name: usize,
    },
    Open {
        caller: usize,
        file: usize,
        is_public: bool,
    },
    Share {
        caller: usize,
        file: usize,
        rights: Rights,
    },
    Delete {
        caller: usize,
        file: usize,
        purge: bool,
    },
    Link {
        file: usize,
    },
    Revoke {
        file: usize,
        link: usize,
    },
}

/// Rounds of what happens at once.
pub fn rounds(count: usize) -> impl Strategy<Value = Vec<Vec<Operation>>> {
    // The same few files, so that what happens at once meets.
    let round = (0..4_usize).prop_flat_map(|file| prop::collection::vec(operation(file), 1..=3));
    prop::collection::vec(round, count)
}

fn operation(near: usize) -> impl Strategy<Value = Operation> {
    let caller = || prop_oneof![3 => Just(0), 1 => Just(CALLERS - 1)];
    let file = move || prop_oneof![4 => Just(near), 1 => 0..4_usize];
    let times = || prop_oneof![3 => Just(1_usize), 1 => Just(2)];
    let rights = prop_oneof![Just(Rights::None), Just(Rights::View), Just(Rights::Edit), Just(Rights::Delete)];
    let is = any::<bool>;
    prop_oneof![
        4 => (caller(), is(), times()).prop_map(|(caller, is_public, times)| Operation::Create { caller, is_public, times }),
        4 => (caller(), file(), times()).prop_map(|(caller, file, times)| Operation::Version { caller, file, times }),
        2 => (file(), 0..3_usize).prop_map(|(file, version)| Operation::Again { file, version }),
        2 => (caller(), file(), 0..9_usize).prop_map(|(caller, file, name)| Operation::Name { caller, file, name }),
        3 => (caller(), file(), is()).prop_map(|(caller, file, is_public)| Operation::Open { caller, file, is_public }),
        3 => (caller(), file(), rights).prop_map(|(caller, file, rights)| Operation::Share { caller, file, rights }),
        1 => (caller(), file(), is()).prop_map(|(caller, file, purge)| Operation::Delete { caller, file, purge }),
        2 => file().prop_map(|file| Operation::Link { file }),
        1 => (file(), 0..3_usize).prop_map(|(file, link)| Operation::Revoke { file, link }),
    ]
}
