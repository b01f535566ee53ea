//! The pipeline language: GitLab CI/CD YAML and the job keywords `arch`, `index` and `publish`.

pub mod build;
mod codes;
mod conditions;
pub mod context;
pub mod duration;
pub mod expr;
pub mod glob;
mod graph;
mod instances;
pub mod keywords;
pub mod logic;
pub mod model;
mod predefined;
pub mod slug;
#[cfg(test)]
mod testing;
pub mod variables;
