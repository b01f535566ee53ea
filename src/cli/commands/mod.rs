//! The commands, one file each.

mod export;
pub(crate) mod image;
pub(crate) mod index;
pub(crate) mod lint;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod run;
pub(crate) mod shell;
