//! The deployed API against a model of what it promises: random operations of two organisations, several at once.
//!
//! What happens at once must come out as if it had happened one after the other, in some order: with the replies that
//! were given, and with what is read afterwards. `make model STEPS=10000 SEED=7` does more than `make test`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../e2e/stack.rs"]
mod stack;

mod file;
mod operation;
mod play;

use operation::rounds;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use stack::Stack;
use std::sync::Arc;

/// Rounds that are played with the same files.
const ROUNDS: usize = 25;
/// So many operations has a round, on average.
const PER_ROUND: usize = 2;

#[test]
fn what_happens_at_once_comes_out_as_in_some_order() {
    let number = |name: &str, default: usize| match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
        _ => default,
    };
    let (steps, seed) = (number("STEPS", 300), number("SEED", 1));
    let how = format!("make model STEPS={steps} SEED={seed}");
    let games = u32::try_from(steps.div_ceil(ROUNDS * PER_ROUND)).unwrap();
    let config = Config { cases: games, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
    let mut seeds = [0; 32];
    seeds[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seeds));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = Arc::new(Stack::new());
    let played = std::cell::Cell::new(0);
    let result = runner.run(&rounds(ROUNDS), |rounds| {
        let outcome = runtime.block_on(play::play(&stack, &rounds));
        played.set(played.get() + rounds.iter().map(Vec::len).sum::<usize>());
        eprintln!("{} steps ({how})", played.get());
        outcome
    });
    if let Err(failure) = result {
        panic!("{failure}\nAll of it again: {how}");
    }
}
