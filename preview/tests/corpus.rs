//! Whatever the fuzz targets were ever given that mattered is rendered again, within the limits. `RENEW=corpus` adds the
//! fixtures to the corpus, for the targets to grow it from.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{command::render, fixtures};

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
fn the_corpus_crashes_nothing() {
    if env::var("RENEW").is_ok_and(|what| what == "corpus") {
        for fixture in fixtures::all() {
            let target = fuzz().join("corpus").join(fixture.format);
            fs::create_dir_all(&target).unwrap();
            fs::write(target.join(fixture.name), fixture.bytes).unwrap();
        }
    }
    for target in fs::read_dir(fuzz().join("fuzz_targets")).unwrap() {
        let corpus = fuzz().join("corpus").join(target.unwrap().path().file_stem().unwrap());
        assert!(!inputs(&corpus).is_empty(), "{}", corpus.display());
    }
    let mut complaints = Vec::new();
    // There are no regressions until there is one.
    for target in ["corpus", "regressions"].into_iter().flat_map(|kind| inputs(&fuzz().join(kind))) {
        for input in inputs(&target) {
            let run = render(fs::read(&input).unwrap(), &[]);
            if !matches!(run.status.code(), Some(0 | 3 | 4)) {
                complaints.push(format!("{}: {} {}", input.display(), run.end(), run.sentence));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// What is in a folder, if there is one.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}
