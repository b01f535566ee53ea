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
fn help_says_what_the_program_is_and_does() {
    let project = Project::new(&[]);
    insta::assert_snapshot!(project.aqueduct(&["--help"]).stdout);
}

/// What stands between this machine and a registry is named: who never set it looks for the fault elsewhere.
#[test]
fn a_proxy_that_does_not_answer_is_named_without_its_login() {
    let project = Project::new(&[]);
    let output = project
        .command(&["index", "inspect", "registry.example.com/image:1"])
        .env("HTTPS_PROXY", "http://ci:hunter2@127.0.0.1:9")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("through the proxy http://127.0.0.1:9/ of the environment: connection"),
        "{stderr}"
    );
    assert!(
        stderr.contains("help: ") && !stderr.contains("hunter2"),
        "{stderr}"
    );
}

#[test]
fn certificates_that_can_not_be_read_are_named() {
    let project = Project::new(&[]);
    let output = project
        .command(&["index", "inspect", "registry.example.com/image:1"])
        .env("SSL_CERT_FILE", "/nowhere.pem")
        .env("SSL_CERT_DIR", project.root())
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("SSL_CERT_FILE names /nowhere.pem, which can't be read"),
        "{stderr}"
    );
}

#[test]
fn unknown_tables_of_the_settings_are_told() {
    let project = Project::new(&[
        ("aqueduct.toml", "[runn]\njobs = 2\n"),
        (".gitlab-ci.yml", "job: {script: echo}\n"),
    ]);
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.starts_with("warning: "), "{}", done.stderr);
    assert!(
        done.stderr
            .contains("aqueduct.toml: unknown key `runn`; known are run, coordinator, forges, destinations, registries"),
        "{}",
        done.stderr
    );
}

#[test]
fn options_that_make_no_sense_name_the_way_out() {
    let wheel = ["publish", "--to", "directory:out", "nothing-1.0.tar.gz"];
    let table: [(&[&str], &str); 3] = [
        (&wheel, "help: paths start at this directory"),
        (
            &[
                "index",
                "create",
                "oci:a:1",
                "--from",
                "oci:b:1",
                "--copy-to",
                "eu",
            ],
            "help: define it under [registries] in aqueduct.toml",
        ),
        (
            &[
                "publish",
                "--to",
                "directory:out",
                "--require",
                "2",
                "file.txt",
            ],
            "help: correct the option",
        ),
    ];
    let project = Project::new(&[("file.txt", "")]);
    for (args, help) in table {
        let done = project.aqueduct(args);
        assert_eq!(done.code, 2, "{args:?}: {}", done.stderr);
        assert!(done.stderr.contains(help), "{args:?}: {}", done.stderr);
    }
}

#[test]
fn each_problem_of_a_release_has_its_line() {
    let project = Project::new(&[("a-1.tar.gz", "torn"), ("b.txt", "no package")]);
    let done = project.aqueduct(&["publish", "--to", "directory:out", "a-1.tar.gz", "b.txt"]);
    let problems: Vec<_> = done
        .stderr
        .lines()
        .filter(|line| line.contains("a-1.tar.gz: ") || line.contains("b.txt: "))
        .collect();
    assert_eq!(problems.len(), 2, "{}", done.stderr);
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
    let man = project.aqueduct(&["man"]).stdout;
    for page in ["aqueduct", "aqueduct-run", "aqueduct-index-create"] {
        assert!(man.contains(&format!(".TH {page} 1")), "{page}");
    }
}
