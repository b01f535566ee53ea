//! Development commands: `cargo xtask demo | test | check | bench`.

fn main() {}
