//! `cargo xtask check`: what needs nothing but Rust, for every commit.

use crate::{
    cargo::{self, TestProgram},
    stage::{Count, Stages, say},
};

/// Crates whose tests start no other program.
const PURE: [&str; 5] = [
    "aqueduct-core",
    "aqueduct-ports",
    "aqueduct-engine",
    "aqueduct-runner",
    "aqueduct-xtask",
];

/// Runs the command; `true` if everything held.
pub(crate) fn run() -> bool {
    say("cargo xtask check installs nothing.");
    let mut stages = Stages::new();
    lints(&mut stages);
    if let Some(programs) = built(&mut stages) {
        pure(&mut stages, &programs);
    }
    stages.finish()
}

/// Format and lints.
pub(crate) fn lints(stages: &mut Stages) {
    stages.run("format", || {
        cargo::run(&["fmt", "--all", "--check"]).map(Count::one)
    });
    stages.run("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--quiet"];
        cargo::run(&[&arguments[..], &["--", "-D", "warnings"]].concat()).map(Count::one)
    });
}

/// Builds all test programs; nothing if that failed, which is counted.
pub(crate) fn built(stages: &mut Stages) -> Option<Vec<TestProgram>> {
    let mut programs = None;
    stages.run("build", || {
        programs = Some(cargo::build_tests()?);
        Ok(Count::one(true))
    });
    programs
}

/// Tests of the crates without I/O, and of the architecture.
pub(crate) fn pure(stages: &mut Stages, programs: &[TestProgram]) {
    some(stages, "pure tests", programs, &[], is_pure);
}

/// Whether a test program starts no other program but cargo.
pub(crate) fn is_pure(program: &TestProgram) -> bool {
    PURE.contains(&program.package.as_str()) || program.target == "architecture"
}

/// Runs the programs that `which` picks as one stage.
pub(crate) fn some(
    stages: &mut Stages,
    name: &str,
    programs: &[TestProgram],
    arguments: &[&str],
    which: impl Fn(&TestProgram) -> bool,
) {
    stages.run(name, || {
        let mut sum = Count::default();
        for program in programs.iter().filter(|program| which(program)) {
            sum = sum.plus(program.run(arguments)?);
        }
        Ok(sum)
    });
}
