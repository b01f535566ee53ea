//! The templates that `include: template:` finds, embedded from `pipelines/`.

/// Name and text of each.
const TEMPLATES: &[(&str, &str)] = &[];

/// The text of a template.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    TEMPLATES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
