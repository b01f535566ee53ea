//! The pipeline language: GitLab CI/CD YAML and the job keywords `arch`, `index` and `publish`.

pub mod model;
