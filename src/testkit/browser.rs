//! Chromium, steered by a script through Playwright.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache,
    command::{Error, Result, run},
};

/// Pinned: what axe finds is part of what the tests pin down.
const PACKAGES: [&str; 3] = ["playwright-core@1.65.1", "axe-core@4.14.1", "node@24"];
/// Name in the cache.
const NAME: &str = "browser-playwright-1.65.1-axe-4.14.1";
/// Debian's browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Has npm fetch what scripts need. Chromium is a Debian package.
///
/// # Errors
/// If npm fails.
pub fn install() -> Result<PathBuf> {
    cache::once(NAME, |dir| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]);
        npm.arg(dir).args(PACKAGES);
        run(&mut npm, "npm").map(drop)
    })
}

/// A script that finds `playwright-core` and `axe-core`, and the browser as `CHROMIUM`.
///
/// # Errors
/// If something is missing, with what installs it.
pub fn script(path: &Path) -> Result<Command> {
    let missing = |program: &str, hint: &str| Error::Missing {
        program: program.to_owned(),
        hint: hint.to_owned(),
    };
    if !Path::new(CHROMIUM).exists() {
        return Err(missing("chromium", "apt-get install chromium"));
    }
    if !cache::complete(NAME) {
        return Err(missing("playwright-core", "cargo xtask test"));
    }
    let modules = install()?.join("node_modules");
    let mut command = Command::new(modules.join(".bin/node"));
    command
        .arg(path)
        .env("NODE_PATH", &modules)
        .env("CHROMIUM", CHROMIUM);
    Ok(command)
}
