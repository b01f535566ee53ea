//! `cargo xtask test`: everything, on real peers, cheapest first.

use crate::{
    cargo::TestProgram,
    check::{built, is_pure, lints, pure, some},
    error::Result,
    setup::{self, Need},
    stage::Stages,
};

/// Runs the command; `true` if everything held.
pub(crate) fn run() -> Result<bool> {
    setup::announce("cargo xtask test", &Need::TEST)?;
    let mut stages = Stages::new();
    lints(&mut stages);
    stages.run("set-up", || setup::prepare(&Need::TEST));
    if let Some(programs) = built(&mut stages) {
        pure(&mut stages, &programs);
        some(&mut stages, "adapters", &programs, &[], is_adapter);
        some(&mut stages, "command line", &programs, &[], is_cli);
        // These use both cores themselves.
        let one = ["--test-threads=1"];
        some(&mut stages, "kills", &programs, &one, is_chaos);
        some(&mut stages, "examples", &programs, &one, is_example);
    }
    Ok(stages.finish())
}

fn is_example(program: &TestProgram) -> bool {
    program.target == "examples"
}

fn is_chaos(program: &TestProgram) -> bool {
    program.target == "chaos"
}

fn is_cli(program: &TestProgram) -> bool {
    let of_binary = ["aqueduct", "aqueduct-cli"].contains(&program.package.as_str());
    of_binary && !is_example(program) && !is_chaos(program) && !is_pure(program)
}

fn is_adapter(program: &TestProgram) -> bool {
    !is_pure(program) && !is_cli(program) && !is_example(program) && !is_chaos(program)
}
