//! What lists allow, as tables.

use super::*;

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

fn permit(allowed: &Allowed) -> Permit<'_> {
    Permit {
        project: "group/name",
        allowed,
    }
}

#[test]
fn a_repository_allows_itself_and_what_is_below_it() {
    let allowed = Allowed {
        repositories: list(&[
            "registry.example.com/team/",
            "localhost:5000",
            "oci:/srv/images",
            "oci:relative",
            "",
        ]),
        ..Allowed::default()
    };
    for (image, expected) in [
        ("registry.example.com/team:1", true),
        ("registry.example.com/team/app:1", true),
        ("registry.example.com/team/a/b:1", true),
        ("registry.example.com/team-evil/app:1", false),
        ("registry.example.com/tea:1", false),
        ("registry.example.com.evil.example/team/app:1", false),
        ("localhost:5000/any/thing:1", true),
        ("localhost:50001/any:1", false),
        ("busybox:1", false),
        ("oci:/srv/images:1", true),
        ("oci:/srv/images/app:1", true),
        ("oci:/srv/images-evil/app:1", false),
        ("oci:/srv/images/../../etc/app:1", false),
        ("oci:relative/app:1", false),
        ("oci:app:1", false),
    ] {
        let image: Reference = image.parse().unwrap();
        let decided = permit(&allowed).repository(&image);
        assert_eq!(decided.is_ok(), expected, "{image}: {decided:?}");
    }
}

#[test]
fn packages_are_compared_as_installers_do() {
    let allowed = Allowed {
        packages: list(&["My.Package", "team-*"]),
        ..Allowed::default()
    };
    for (name, expected) in [
        ("my-package", true),
        ("My_Package", true),
        ("my-package2", false),
        ("team_app", true),
        ("team", false),
        ("teamster", false),
    ] {
        assert_eq!(permit(&allowed).package(name).is_ok(), expected, "{name}");
    }
    let all = Allowed {
        packages: list(&["*"]),
        ..Allowed::default()
    };
    assert!(permit(&all).package("anything").is_ok());
}

#[test]
fn names_are_taken_whole() {
    let allowed = Allowed {
        destinations: list(&["east"]),
        registries: list(&["eu"]),
        ..Allowed::default()
    };
    let permit = permit(&allowed);
    assert!(permit.destination("east").is_ok());
    assert!(permit.destination("eas").is_err());
    assert!(permit.destination("eu").is_err());
    assert!(permit.registry("eu").is_ok());
    assert!(permit.registry("").is_err());
}

#[test]
fn nothing_is_allowed_without_an_entry_and_the_denial_names_the_place() {
    let allowed = Allowed::default();
    let permit = permit(&allowed);
    let image: Reference = "oci:/srv/x:1".parse().unwrap();
    let denials = [
        permit.destination("east"),
        permit.registry("eu"),
        permit.repository(&image),
        permit.package("Weir"),
    ];
    let said: Vec<String> = denials
        .into_iter()
        .map(|denial| denial.unwrap_err().to_string())
        .collect();
    let why = "the operator doesn't allow it";
    assert_eq!(
        said,
        [
            format!("{why}: `east` is not among destinations of [projects.\"group/name\"]"),
            format!("{why}: `eu` is not among registries of [projects.\"group/name\"]"),
            format!("{why}: `oci:/srv/x` is not among repositories of [projects.\"group/name\"]"),
            format!("{why}: `weir` is not among packages of [projects.\"group/name\"]"),
        ]
    );
    let verdict = permit.package("weir").unwrap_err().verdict();
    assert_eq!(verdict.kind, VerdictKind::ConfigInvalid);
}
