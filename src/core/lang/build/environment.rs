//! `environment` with its variables expanded (pipeline-yaml section 13).

use crate::{
    diag::{Diagnostic, Diagnostics},
    lang::{
        codes::INVALID_ENVIRONMENT,
        duration,
        instances::path,
        model::{self, Job},
        predefined,
        slug::environment_slug,
        variables::JobScope,
    },
    plan::Environment,
};

/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// The environment as far as its variables are known, and what the job sees of it. Its URL may use the name's slug, and
/// variables that only the job itself makes.
pub(super) fn enter(written: &model::Environment, scope: &mut JobScope<'_>) -> Environment {
    let name = scope.expand(&written.name.value);
    let tier = written.tier.as_ref().map(|tier| scope.expand(&tier.value));
    let auto_stop_in = written
        .auto_stop_in
        .as_ref()
        .and_then(|text| duration::parse(&scope.expand(&text.value)));
    let mut environment = Environment {
        slug: environment_slug(&name),
        tier: tier.unwrap_or_else(|| guess_tier(&name).to_owned()),
        url: None,
        action: written.action,
        on_stop: written.on_stop.as_ref().map(|job| job.value.clone()),
        auto_stop_in,
        name,
    };
    predefined::environment(&mut scope.predefined, &environment);
    scope.refresh();
    if let Some(url) = &written.url {
        environment.url = Some(scope.expand(&url.value));
        predefined::environment(&mut scope.predefined, &environment);
        scope.refresh();
    }
    environment
}

/// Tells of a name that no environment can have.
pub(super) fn check(
    written: &model::Environment,
    expanded: &Environment,
    job: &Job,
    sink: &mut Diagnostics,
) {
    let name = &expanded.name;
    let legal = |c: char| c.is_ascii_alphanumeric() || " -_/{}$.".contains(c);
    let wrong = if name.trim().is_empty() {
        "is empty once its variables are expanded".to_owned()
    } else if name.chars().count() > MAX_NAME {
        format!("is longer than {MAX_NAME} characters")
    } else if let Some(c) = name.chars().find(|c| !legal(*c)) {
        format!("is `{name}` and has the character `{c}`")
    } else if name.starts_with('/') || name.ends_with('/') {
        format!("is `{name}`: no slash may stand at an end")
    } else {
        return;
    };
    let message = format!("{} {wrong}", path(job, "environment:name"));
    sink.push(
        Diagnostic::error(INVALID_ENVIRONMENT, written.name.span, message)
            .with_help("use letters, digits, spaces and any of -_/{}$. (for a branch's name: $CI_COMMIT_REF_SLUG)"),
    );
}

/// The tier that GitLab guesses from a name: the first group that has a word contained in it.
fn guess_tier(name: &str) -> &'static str {
    const TIERS: [(&str, &[&str]); 4] = [
        ("development", &["dev", "review", "trunk"]),
        (
            "testing",
            &[
                "test", "tst", "int", "acpt", "accept", "acept", "qa", "qc", "control", "quality",
            ],
        ),
        (
            "staging",
            &["stg", "stag", "mod", "model", "pre", "demo", "non"],
        ),
        ("production", &["prd", "prod", "live"]),
    ];
    let name = name.to_ascii_lowercase();
    TIERS
        .iter()
        .find(|(_, words)| words.iter().any(|word| name.contains(word)))
        .map_or("other", |(tier, _)| tier)
}

#[cfg(test)]
mod tests {
    use super::guess_tier;

    #[test]
    fn tiers() {
        let table = [
            ("production", "production"),
            ("Production/eu", "production"),
            ("prd", "production"),
            ("staging", "staging"),
            ("pre-prod", "staging"),
            ("review/x", "development"),
            ("qa", "testing"),
            ("gstg", "staging"),
            ("main", "other"),
        ];
        for (name, tier) in table {
            assert_eq!(guess_tier(name), tier, "{name}");
        }
    }
}
