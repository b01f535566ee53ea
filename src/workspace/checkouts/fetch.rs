//! From an address to a working copy.

use std::path::Path;

use aqueduct_ports::{
    work::GitSource,
    workspace::{Contents, GitCheckout, Submodules, WorkspaceError},
};

use super::{
    address::Address,
    git::{Failure, Git},
    objects::ObjectStores,
};
use crate::error::Result;

/// What could not be done, for messages.
const FETCH: &str = "the sources can't be fetched";

/// Fills the empty directory `dir` with the commit.
pub(super) async fn fill(
    stores: &ObjectStores,
    address: &Address,
    checkout: &GitCheckout,
    dir: &Path,
) -> Result<()> {
    let source = &checkout.source;
    check(source)?;
    let git = Git {
        address,
        dir,
        lock: None,
    };
    let format = if source.sha256 { "sha256" } else { "sha1" };
    let format = format!("--object-format={format}");
    let init = ["init", "--quiet", "--template=", &format];
    git.run(&init)
        .await
        .map_err(|failure| failure.error("the working copy can't be made"))?;
    let remote = ["remote", "add", "origin", address.url()];
    git.run(&remote)
        .await
        .map_err(|failure| failure.error("the working copy can't be made"))?;
    let from_store = source.fetch && stores.fill(address, source, dir).await?;
    if !from_store {
        fetch(&git, source, address.url(), &source.refspecs)
            .await
            .map_err(|failure| failure.error(FETCH))?;
    }
    if checkout.contents == Contents::Files {
        lay_out(&git, source, checkout.submodules).await?;
    }
    Ok(())
}

/// Fetches refspecs from a URL.
pub(super) async fn fetch(
    git: &Git<'_>,
    source: &GitSource,
    url: &str,
    refspecs: &[String],
) -> std::result::Result<(), Failure> {
    let depth = source.depth.to_string();
    let mut args = vec![
        "fetch",
        "--quiet",
        "--no-tags",
        "--force",
        // A branch that was deleted must not live on in a store of objects.
        "--prune",
        "--update-shallow",
    ];
    if source.depth > 0 {
        args.extend(["--depth", &depth]);
    }
    args.extend(["--", url]);
    args.extend(refspecs.iter().map(String::as_str));
    git.run(&args).await
}

async fn lay_out(git: &Git<'_>, source: &GitSource, submodules: Submodules) -> Result<()> {
    let args = ["checkout", "--quiet", "--force", "--detach", &source.sha];
    git.run(&args).await.map_err(|failure| {
        let fetched = source.refspecs.join(" ");
        let depth = match source.depth {
            0 => String::new(),
            depth => format!(" at a depth of {depth} (GIT_DEPTH)"),
        };
        let mut error = failure.error("the commit can't be checked out");
        if let WorkspaceError::Refused(text) = &mut error {
            text.push_str("; fetched was ");
            text.push_str(&fetched);
            text.push_str(&depth);
        }
        error
    })?;
    let recursive = match submodules {
        Submodules::None => return Ok(()),
        Submodules::Normal => None,
        Submodules::Recursive => Some("--recursive"),
    };
    let depth = source.depth.to_string();
    let mut args = vec!["submodule", "--quiet", "update", "--init", "--force"];
    args.extend(recursive);
    if source.depth > 0 {
        args.extend(["--depth", &depth]);
    }
    let updated = git.run(&args).await;
    updated.map_err(|failure| failure.error("the submodules can't be fetched"))
}

/// Nothing of it may be taken for an option.
fn check(source: &GitSource) -> Result<()> {
    let hex = source.sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || !matches!(source.sha.len(), 40 | 64) {
        let text = format!("'{}' is no commit", source.sha.escape_debug());
        return Err(WorkspaceError::Refused(text));
    }
    let plain = |refspec: &&String| {
        let name = refspec.trim_start_matches('+');
        !name.starts_with("refs/") || name.contains(char::is_whitespace)
    };
    match source.refspecs.iter().find(plain) {
        Some(odd) => Err(WorkspaceError::Refused(format!(
            "'{}' is no refspec of whole names",
            odd.escape_debug()
        ))),
        None => Ok(()),
    }
}
