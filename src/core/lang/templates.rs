//! The templates that `include: template:` finds, embedded from `pipelines/`.

/// Name and text of each.
const TEMPLATES: [(&str, &str); 2] = [
    (
        "multi-arch-image.yml",
        include_str!("../../../pipelines/multi-arch-image.yml"),
    ),
    (
        "python-release.yml",
        include_str!("../../../pipelines/python-release.yml"),
    ),
];

/// The text of a template that `include: template:` names.
pub fn template(name: &str) -> Option<&'static str> {
    TEMPLATES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
