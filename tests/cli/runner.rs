//! `runner` without a server: what it refuses, and that it shows no token.

use crate::support::Project;

#[test]
fn a_runner_needs_a_server_and_a_token() {
    let project = Project::new(&[("token", "glrt-geheim\n"), ("empty", "\n")]);
    for (args, exit, words) in [
        (&["verify"][..], 2, "no server is named"),
        (
            &["run", "--url", "http://127.0.0.1:9"],
            2,
            "no token for http://127.0.0.1:9 is known",
        ),
        (
            &["verify", "--url", "ci.example", "--token-file", "token"],
            2,
            "the server's address can't be used",
        ),
        (
            &[
                "verify",
                "--url",
                "http://127.0.0.1:9",
                "--token-file",
                "empty",
            ],
            2,
            "empty holds no token",
        ),
        (
            &[
                "verify",
                "--url",
                "http://127.0.0.1:9",
                "--token-file",
                "token",
            ],
            3,
            "connection refused",
        ),
        (
            &[
                "register",
                "--url",
                "http://127.0.0.1:9",
                "--token-file",
                "token",
                "--tag-list",
                "a",
            ],
            2,
            "--tag-list can't be given with a token of the kind glrt-",
        ),
    ] {
        let args: Vec<&str> = ["runner"].iter().chain(args).copied().collect();
        let done = project.aqueduct(&args);
        assert_eq!(done.code, exit, "{args:?}: {}", done.stderr);
        let stderr = done.stderr.to_lowercase();
        assert!(stderr.contains(&words.to_lowercase()), "{args:?}: {stderr}");
        assert!(!stderr.contains("geheim"), "{stderr}");
    }
}
