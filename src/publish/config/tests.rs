//! What `aqueduct.toml` may say about destinations, and what is refused.

use super::*;

fn parse(text: &str) -> Result<Settings, ConfigError> {
    Settings::parse(text, Path::new("conf/aqueduct.toml"))
}

#[test]
fn the_documented_example_is_read() {
    let settings = parse(
        r#"
        [runner]
        name = "somebody else's table"

        [destinations.us-east-1]
        type = "pypi"
        upload_url = "https://packages.us-east-1.example.com/legacy/"
        index_url = "https://packages.us-east-1.example.com/simple"
        username = "ci"
        password = { env = "PKG_US_EAST_1" }

        [destinations.local]
        type = "directory"
        path = "dist/index"

        [destinations.cloud]
        type = "codeartifact"
        domain = "d"

        [registries.eu]
        host = "registry.eu.example.com"
        auth = "docker-config"
        prefix = "/mirror/"
        "#,
    )
    .unwrap();
    assert_eq!(settings.destinations.len(), 3);
    let Destination::Pypi(pypi) = settings.destination("us-east-1").unwrap() else {
        panic!("not a pypi destination");
    };
    assert_eq!(
        pypi.index_url.as_str(),
        "https://packages.us-east-1.example.com/simple/"
    );
    assert_eq!(
        pypi.password,
        Some(SecretSource::Env("PKG_US_EAST_1".into()))
    );
    let eu = settings.registry("eu").unwrap();
    assert_eq!(eu.auth, RegistryAuth::DockerConfig);
    assert_eq!(eu.repository_for("app"), "mirror/app");
    assert_eq!(settings.resolve(Path::new("dist")), Path::new("conf/dist"));
    let error = settings.destination("us-east").unwrap_err();
    assert_eq!(
        error,
        "no destination `us-east` in aqueduct.toml; there is cloud, local, us-east-1"
    );
}

#[test]
fn mistakes_are_named_with_their_path() {
    let pypi = "[destinations.a]\ntype = \"pypi\"\nupload_url = \"https://h/\"\nindex_url = \"https://h/\"\n";
    let table = [
        (
            "destinations = 1".to_owned(),
            "`destinations` must be a table",
        ),
        (
            "[destinations]\na = 1".into(),
            "`destinations.a` must be a table",
        ),
        (
            "[destinations.a]\npath = \"x\"".into(),
            "`destinations.a.type` is missing",
        ),
        (
            "[destinations.a]\ntype = \"ftp\"".into(),
            "no such type `ftp`",
        ),
        (
            "[destinations.a]\ntype = \"directory\"".into(),
            "`destinations.a.path` is missing",
        ),
        (
            format!("{pypi}upload_ulr = \"x\""),
            "unknown field `upload_ulr`",
        ),
        (
            format!("{pypi}password = \"hunter2\""),
            "a secret is written as",
        ),
        (
            format!("{pypi}username = \"u\""),
            "`username` without `password`".trim_start_matches('`'),
        ),
        (
            pypi.replace("https://h/", "https://u:p@h/"),
            "holds credentials",
        ),
        (
            pypi.replace("https://h/", "ftp://h/"),
            "must be an http or https URL",
        ),
        (
            "[registries.r]\nhost = \"https://h\"".into(),
            "without scheme, login and path",
        ),
        (
            "[registries.r]\nauth = \"anonymous\"".into(),
            "`registries.r.host` is missing: write host = \"registry.example.com\"",
        ),
        (
            "[registries]\nhost = \"h\"".into(),
            "`registries.host` must be a table: write [registries.NAME] above it",
        ),
        (
            "[registries.r]\nhost = \"h\"\nusername = \"u\"".into(),
            "wants either `auth` or both",
        ),
        (
            "[registries.r]\nhost = \"h\"\nauth = \"magic\"".into(),
            "`registries.r`: unknown variant",
        ),
        (
            "[projects.\"a/b\"]\ndestination = [\"x\"]".into(),
            "`projects.a/b`: unknown field `destination`",
        ),
        (
            "[projects.\"a/b\"]\ndestinations = [\"x\"]".into(),
            "`projects.\"a/b\"`: no destination `x` in aqueduct.toml; none is defined",
        ),
        ("oops".into(), "conf/aqueduct.toml: "),
    ];
    for (text, expected) in table {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_defines_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::read(&dir.path().join("aqueduct.toml")).unwrap();
    assert!(settings.destinations.is_empty());
    assert_eq!(settings.base_dir, dir.path());
    assert!(Settings::read(dir.path()).is_err());
}

#[test]
fn secrets_come_from_the_environment_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "from file\r\n").unwrap();
    let env = |name: &str| (name == "TOKEN").then(|| "from env".to_owned());
    let resolve = |source: SecretSource| source.resolve(&env, dir.path());
    assert_eq!(
        resolve(SecretSource::Env("TOKEN".into())).unwrap().reveal(),
        "from env"
    );
    assert_eq!(
        resolve(SecretSource::File("token".into()))
            .unwrap()
            .reveal(),
        "from file"
    );
    assert_eq!(
        resolve(SecretSource::Env("NONE".into())).unwrap_err(),
        "the environment variable NONE is not set"
    );
    assert!(resolve(SecretSource::File("none".into())).is_err());
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
}
