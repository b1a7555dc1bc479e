use std::io;

/// Says hello.
fn main() -> io::Result<()> {
	let name = "world";
	println!("Hello, {name}!");
	Ok(())
}
