//! The pipeline language: GitLab CI/CD YAML and the job keywords `arch`, `index` and `publish`.

pub mod context;
pub mod duration;
pub mod expr;
pub mod glob;
pub mod keywords;
pub mod model;
pub mod slug;
pub mod variables;
