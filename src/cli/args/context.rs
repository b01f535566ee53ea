//! What a pipeline is made for: ref, source, variables, changes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options shared by `run` and `plan`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Pipeline context")]
pub(crate) struct ContextArgs {
    /// Pipeline file; otherwise .aqueduct.yml, then .gitlab-ci.yml
    #[arg(short, long, value_name = "FILE", env = "AQUEDUCT_FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Make the pipeline for this branch; otherwise the one that is checked out
    #[arg(long, value_name = "NAME", conflicts_with = "tag", value_parser = ref_name)]
    pub(crate) branch: Option<String>,

    /// Make the pipeline for this tag
    #[arg(long, value_name = "NAME", value_parser = ref_name)]
    pub(crate) tag: Option<String>,

    /// What started the pipeline (CI_PIPELINE_SOURCE)
    #[arg(long, value_enum, default_value_t = Source::Push, value_name = "SOURCE")]
    pub(crate) source: Source,

    /// Set a pipeline variable, above everything in the file; may be repeated
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) vars: Vec<(String, String)>,

    /// Read project variables from a file of KEY=VALUE lines; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "AQUEDUCT_ENV_FILE",
        value_delimiter = ','
    )]
    pub(crate) env_file: Vec<PathBuf>,

    /// Take a secret from the environment: masked in logs, absent from the plan; NAME is read from
    /// NAME, or from the file that NAME_FILE names; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Vec<String>,

    /// Set a pipeline input (`spec:inputs`); may be repeated
    #[arg(long = "input", value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) inputs: Vec<(String, String)>,

    /// A file that changed, for `rules:changes`; may be repeated. Without it there is no diff, and every
    /// `changes` matches, as it does for the first push of a branch
    #[arg(long = "changed", value_name = "FILE")]
    pub(crate) changed: Vec<String>,

    /// Use this commit instead of the working tree
    #[arg(long, value_name = "REV")]
    pub(crate) commit: Option<String>,
}

/// `CI_PIPELINE_SOURCE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// A push.
    #[default]
    Push,
    /// A merge request.
    #[value(name = "merge_request_event")]
    MergeRequestEvent,
    /// A schedule.
    Schedule,
    /// Started by a person in the web interface.
    Web,
    /// Started through the API.
    Api,
    /// Started by a trigger token.
    Trigger,
}

impl Source {
    /// The value of `CI_PIPELINE_SOURCE`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::MergeRequestEvent => "merge_request_event",
            Self::Schedule => "schedule",
            Self::Web => "web",
            Self::Api => "api",
            Self::Trigger => "trigger",
        }
    }
}

/// The name of a branch or tag, as Git allows it.
fn ref_name(text: &str) -> Result<String, String> {
    if git2::Reference::is_valid_name(&format!("refs/heads/{text}")) {
        return Ok(text.to_owned());
    }
    Err(
        "Git allows no such name of a branch or tag: no spaces, none of ~ ^ : ? * [ \\, no `..`, \
         no `/` or dot at an end"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_named_as_git_allows() {
        for name in ["main", "feat/ÜX", "v1.2", "user@host", "a-b_c"] {
            assert_eq!(ref_name(name).as_deref(), Ok(name));
        }
        for name in [
            "", "a b", "a~1", "a^", "a:b", "a..b", "/a", "a/", "a.lock", "a\\b", "@{-1}",
        ] {
            assert!(ref_name(name).is_err(), "{name}");
        }
    }
}
