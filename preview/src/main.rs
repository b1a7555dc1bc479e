//! `render`: a file on standard input, its preview on standard output.
fn main() {}
