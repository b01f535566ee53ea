//! `index`, `image`, `publish`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `index …`.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: IndexCommand,
}

/// The commands of `index`.
#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Assemble an index from images that exist, push it, verify it, move the tags last
    Create(IndexCreateArgs),
    /// Show what a reference points to
    Inspect(IndexInspectArgs),
}

/// Options of `index create`.
#[derive(Debug, Args)]
pub(crate) struct IndexCreateArgs {
    /// Reference to push the index under, or oci:PATH:TAG for an OCI layout
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// An image of one platform, or an index of several: a reference or oci:PATH:TAG; may be repeated
    #[arg(long = "from", required = true, value_name = "IMAGE")]
    pub(crate) from: Vec<String>,

    /// Platforms it must have, no more and no fewer
    #[arg(long, value_name = "OS/ARCH", value_delimiter = ',')]
    pub(crate) platform: Vec<String>,

    /// Annotation of the index; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) annotation: Vec<(String, String)>,

    /// Further tag, moved after the index is verified; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,

    /// Copy the index to a registry of aqueduct.toml; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) copy_to: Vec<String>,

    /// Speak plain http with this registry (host or host:port); loopback needs no mention; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `index inspect`.
#[derive(Debug, Args)]
pub(crate) struct IndexInspectArgs {
    /// A reference or oci:PATH:TAG
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// Speak plain http with this registry (host or host:port); loopback needs no mention; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// `image …`.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ImageCommand,
}

/// The commands of `image`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// Make a reproducible image of one platform from files
    Pack(PackArgs),
}

/// Options of `image pack`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Files to put in; of a directory, the content. TARGET is absolute; without it, the root of the image
    #[arg(value_name = "SOURCE[:TARGET]", required_unless_present = "from")]
    pub(crate) files: Vec<String>,

    /// The platform of the image, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: String,

    /// Where to write it: oci:PATH:TAG, or a folder that becomes an OCI layout
    #[arg(short, long, value_name = "LAYOUT")]
    pub(crate) output: String,

    /// Base image whose layers and settings are kept
    #[arg(long, value_name = "IMAGE")]
    pub(crate) from: Option<String>,

    /// One word of the entrypoint; may be repeated
    #[arg(long, value_name = "WORD")]
    pub(crate) entrypoint: Vec<String>,

    /// One word of the default command; may be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) cmd: Vec<String>,

    /// Environment variable; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) env: Vec<(String, String)>,

    /// Label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) label: Vec<(String, String)>,

    /// Keep owners and modes as they are, instead of root's with 755 and 644
    #[arg(long)]
    pub(crate) keep_ownership: bool,

    /// User, as uid, uid:gid or a name of the base image
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// Working directory
    #[arg(long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// Wheels and sdists, or globs of them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<String>,

    /// A destination of aqueduct.toml, or a folder written as directory:PATH; may be repeated
    #[arg(
        long,
        required = true,
        value_name = "DESTINATION",
        value_delimiter = ','
    )]
    pub(crate) to: Vec<String>,

    /// The destination that is verified before the others start
    #[arg(long, value_name = "DESTINATION")]
    pub(crate) primary: Option<String>,

    /// How many destinations must hold everything: all, quorum or a number
    #[arg(long, value_name = "N", default_value = "all")]
    pub(crate) require: String,

    /// What other bytes under the same name at a destination mean: fail or skip
    #[arg(long, value_name = "POLICY", default_value = "fail")]
    pub(crate) on_conflict: String,

    /// Ask every destination what it has, send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Settings file; otherwise aqueduct.toml here or above
    #[arg(long, value_name = "FILE", env = "AQUEDUCT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Print the report as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
