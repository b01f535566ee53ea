//! `doctor`, `--version`, `--help`, completions.

use crate::support::Project;

#[test]
fn doctor_says_what_it_found() {
    let project = Project::new(&[]);
    let done = project.aqueduct(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let names: Vec<_> = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    for name in ["git", "containers", "cgroups", "architectures"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn usage_errors_are_2_and_help_is_0() {
    let project = Project::new(&[]);
    assert_eq!(project.aqueduct(&["--version"]).code, 0);
    assert_eq!(project.aqueduct(&["run", "--help"]).code, 0);
    let help = project.aqueduct(&["--help"]).stdout;
    assert!(
        help.starts_with("Multi-architecture CI runner and package publisher"),
        "{help}"
    );
    assert_eq!(project.aqueduct(&["nonsense"]).code, 2);
    assert_eq!(project.aqueduct(&["run", "--var", "NOVALUE"]).code, 2);
    assert!(
        project
            .aqueduct(&["completions", "bash"])
            .stdout
            .contains("aqueduct")
    );
    assert!(project.aqueduct(&["man"]).stdout.contains(".TH"));
}
