//! Which coordinator, and with which token: flag, environment, context.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aqueduct_core::api::runner::Secret;
use url::Url;

use super::contexts::{Context, Contexts};
use crate::{args::CoordinatorArgs, error::CliError};

/// What was decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) url: String,
    pub(super) token: Secret,
    pub(super) tls_ca_file: Option<PathBuf>,
}

/// What the environment says.
#[derive(Debug, Default)]
struct Environment {
    url: Option<String>,
    token: Option<String>,
    token_file: Option<String>,
}

impl Environment {
    fn read() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            url: set("AQUEDUCT_URL"),
            token: set("AQUEDUCT_TOKEN"),
            token_file: set("AQUEDUCT_TOKEN_FILE"),
        }
    }
}

/// Decides.
pub(super) fn choose(args: &CoordinatorArgs) -> Result<Chosen, CliError> {
    decide(args, &Environment::read(), &Contexts::load()?)
}

fn decide(
    args: &CoordinatorArgs,
    environment: &Environment,
    contexts: &Contexts,
) -> Result<Chosen, CliError> {
    let named = args.context.as_deref().map(|name| contexts.get(name));
    let named = named.transpose()?;
    let url = match (&args.url, named, &environment.url) {
        (Some(url), ..) | (None, None, Some(url)) => url.clone(),
        (None, Some(context), _) => context.url.clone(),
        (None, None, None) => contexts.current()?.ok_or_else(nobody)?.url.clone(),
    };
    let token = if let Some(path) = &args.token_file {
        token_of(path)?
    } else if let Some(context) = named {
        context.token.clone()
    } else if let Some(token) = &environment.token {
        token.trim().into()
    } else if let Some(path) = &environment.token_file {
        token_of(Path::new(path))?
    } else {
        let known = contexts.current()?.filter(|one| same(one, &url));
        let known = known.or_else(|| {
            contexts
                .all()
                .map(|(_, one)| one)
                .find(|one| same(one, &url))
        });
        known.ok_or_else(|| no_token(&url))?.token.clone()
    };
    let mut known = contexts.all().map(|(_, one)| one);
    let trusted = named.or_else(|| known.find(|one| same(one, &url)));
    let trusted = trusted.and_then(|one| one.tls_ca_file.clone());
    Ok(Chosen {
        tls_ca_file: args.tls_ca_file.clone().or(trusted),
        url,
        token,
    })
}

/// A token is for the coordinator that gave it, and for no other.
fn same(context: &Context, url: &str) -> bool {
    context.url.trim_end_matches('/') == url.trim_end_matches('/')
}

fn nobody() -> CliError {
    CliError::invalid("no coordinator is named").with_help(
        "remember one with `aqueduct context add NAME --url URL --token-file FILE`, or set AQUEDUCT_URL and AQUEDUCT_TOKEN",
    )
}

fn no_token(url: &str) -> CliError {
    CliError::invalid(format!("no token for {url} is known"))
        .with_help("give --token-file, or set AQUEDUCT_TOKEN or AQUEDUCT_TOKEN_FILE; `aqueduct serve` prints one when it starts for the first time")
}

/// The token in a file.
pub(super) fn token_of(path: &Path) -> Result<Secret, CliError> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| CliError::io("read", path, &error))?;
    let token = text.trim();
    if token.is_empty() || token.contains(|c: char| c.is_control() || c.is_whitespace()) {
        let text = format!("{} does not hold a token and nothing else", path.display());
        return Err(CliError::invalid(text)
            .with_help("a token is one word: `aqa-` and letters; `aqueduct serve` prints it"));
    }
    Ok(token.into())
}

/// An address that a token may be sent to.
pub(super) fn address(text: &str) -> Result<Url, CliError> {
    // Not the text itself: somebody may have put a password into it.
    let invalid = |cause: &str| {
        CliError::invalid(format!("the coordinator's address can't be used: {cause}"))
            .with_help("write http://HOST:PORT or https://HOST")
    };
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("it is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a user; the token is given apart"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a part behind `?` or `#`"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts() -> Contexts {
        let mut contexts = Contexts::default();
        for name in ["one", "two"] {
            let context = Context {
                url: format!("http://{name}/"),
                token: Secret::new(format!("token-{name}")),
                tls_ca_file: Some(format!("/{name}.pem").into()),
            };
            contexts.add(name, context).unwrap();
        }
        contexts
    }

    fn args(url: Option<&str>, context: Option<&str>) -> CoordinatorArgs {
        CoordinatorArgs {
            url: url.map(str::to_owned),
            context: context.map(str::to_owned),
            token_file: None,
            tls_ca_file: None,
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_context() {
        let set = Environment {
            url: Some("http://env".into()),
            token: Some("token-env\n".into()),
            token_file: None,
        };
        let unset = Environment::default();
        let table = [
            (args(None, None), &unset, "http://one/", "token-one"),
            (args(None, Some("two")), &unset, "http://two/", "token-two"),
            (
                args(Some("http://two"), None),
                &unset,
                "http://two",
                "token-two",
            ),
            (args(None, None), &set, "http://env", "token-env"),
            (args(None, Some("two")), &set, "http://two/", "token-two"),
            (args(Some("http://x"), None), &set, "http://x", "token-env"),
        ];
        for (args, environment, url, token) in table {
            let chosen = decide(&args, environment, &contexts()).unwrap();
            assert_eq!((chosen.url.as_str(), chosen.token.expose()), (url, token));
        }
    }

    #[test]
    fn a_context_s_certificates_are_for_its_coordinator() {
        let set = Environment {
            token: Some("token".into()),
            ..Environment::default()
        };
        let mut flag = args(None, Some("one"));
        flag.tls_ca_file = Some("/flag.pem".into());
        let table = [
            (args(None, None), Some("/one.pem")),
            (args(Some("http://two"), None), Some("/two.pem")),
            (args(Some("http://x"), None), None),
            (flag, Some("/flag.pem")),
        ];
        for (args, expected) in table {
            let chosen = decide(&args, &set, &contexts()).unwrap();
            assert_eq!(chosen.tls_ca_file.as_deref(), expected.map(Path::new));
        }
    }

    #[test]
    fn a_context_s_token_goes_to_no_other_coordinator() {
        let error = decide(
            &args(Some("http://x"), None),
            &Environment::default(),
            &contexts(),
        );
        assert_eq!(error.unwrap_err().message, "no token for http://x is known");
        let nothing = decide(
            &args(None, None),
            &Environment::default(),
            &Contexts::default(),
        );
        assert_eq!(nothing.unwrap_err().message, "no coordinator is named");
    }

    #[test]
    fn addresses_that_hold_more_are_refused_without_being_told() {
        for text in [
            "",
            "host",
            "ftp://h",
            "http://u:secret@h",
            "http://h?t=secret",
        ] {
            let error = address(text).unwrap_err();
            assert!(!error.message.contains("secret"), "{error}");
        }
        assert!(address("http://127.0.0.1:8080").is_ok());
    }
}
