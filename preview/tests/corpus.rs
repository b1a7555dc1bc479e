//! Whatever the fuzz targets were ever given that mattered is rendered again, within the limits. `RENEW=corpus` adds
//! the fixtures to the corpus, for the targets to grow it from.

use std::{env, fs, path::PathBuf};

use crate::{command::render, fixtures};

#[test]
fn the_corpus_crashes_nothing() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    if env::var("RENEW").is_ok_and(|what| what == "corpus") {
        for fixture in fixtures::all() {
            let target = corpus.join(fixture.format);
            fs::create_dir_all(&target).unwrap();
            fs::write(target.join(fixture.name), fixture.bytes).unwrap();
        }
    }
    let (mut complaints, mut count) = (Vec::new(), 0);
    for target in fs::read_dir(corpus).unwrap() {
        for input in fs::read_dir(target.unwrap().path()).unwrap() {
            let input = input.unwrap().path();
            let run = render(fs::read(&input).unwrap(), &[]);
            count += 1;
            if !matches!(run.status.code(), Some(0 | 3 | 4)) {
                complaints.push(format!("{}: {} {}", input.display(), run.end(), run.sentence));
            }
        }
    }
    println!("{count} inputs");
    assert!(count > 0 && complaints.is_empty(), "\n{}", complaints.join("\n"));
}
