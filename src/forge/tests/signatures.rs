//! Signatures, with the vectors that the forges and the specification publish.

use aqueduct_core::time::Timestamp;
use aqueduct_forge::Webhooks;
use aqueduct_ports::forge::{Forge, Hook, HookError, HookRequest, Hooks as _};

use super::{headers, read};

/// Of GitHub's documentation, "Validating webhook deliveries".
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
const DIGEST: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

/// Whether a signature was taken; what is wrong with a body comes after that.
fn taken(result: Result<Hook, HookError>) -> Result<(), HookError> {
    match result {
        Ok(_) | Err(HookError::Malformed(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[test]
fn the_published_vector_of_github_is_taken_and_nothing_near_it() {
    let hub = |value: &str, body: &[u8], secret: &str| {
        taken(read(
            Forge::GitHub,
            &[("x-hub-signature-256", value)],
            body,
            secret,
        ))
    };
    let right = format!("sha256={DIGEST}");
    assert_eq!(hub(&right, BODY, SECRET), Ok(()));
    let wrong = [
        (right.as_str(), &b"Hello, World"[..], SECRET),
        (&right, BODY, "another"),
        (&right, BODY, ""),
        (&right[..right.len() - 2], BODY, SECRET),
        ("sha256=", BODY, SECRET),
        ("sha256=zz", BODY, SECRET),
        ("sha1=757107ea", BODY, SECRET),
    ];
    for (value, body, secret) in wrong {
        let refused = hub(value, body, secret);
        assert!(matches!(refused, Err(HookError::Forged(_))), "{value}");
    }
    for headers in [&[][..], &[("x-hub-signature", "sha1=00")]] {
        let refused = read(Forge::GitHub, headers, BODY, SECRET);
        assert!(matches!(refused, Err(HookError::Unsigned(_))));
    }
}

#[test]
fn gitea_and_forgejo_sign_in_headers_of_their_own() {
    let hub = format!("sha256={DIGEST}");
    for (name, value) in [
        ("x-gitea-signature", DIGEST),
        ("x-forgejo-signature", DIGEST),
        ("x-hub-signature-256", &hub),
    ] {
        assert_eq!(
            taken(read(Forge::Gitea, &[(name, value)], BODY, SECRET)),
            Ok(()),
            "{name}"
        );
    }
    let mixed = [("x-gitea-signature", "00"), ("x-hub-signature-256", &hub)];
    let refused = read(Forge::Gitea, &mixed, BODY, SECRET);
    assert!(matches!(refused, Err(HookError::Forged(_))), "{refused:?}");
}

#[test]
fn gitlab_sends_the_secret_itself() {
    let with = |token| read(Forge::GitLab, &[("x-gitlab-token", token)], b"{}", "s3cret");
    assert_eq!(taken(with("s3cret")), Ok(()));
    for wrong in ["s3cre", "s3crets", "S3CRET"] {
        let refused = with(wrong);
        assert!(matches!(refused, Err(HookError::Forged(_))), "{wrong}");
    }
    for missing in ["", "  "] {
        assert!(matches!(with(missing), Err(HookError::Unsigned(_))));
    }
}

/// The vector of the Standard Webhooks libraries.
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_BODY: &[u8] = br#"{"test": 2432232314}"#;
const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const STANDARD_TIME: i64 = 1_614_265_330;

fn standard(signature: &str, body: &[u8], later: i64) -> Result<(), HookError> {
    let headers = headers(&[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
        // It is right, and makes up for nothing.
        ("x-gitlab-token", STANDARD_SECRET),
    ]);
    let request = HookRequest {
        headers: &headers,
        body,
        received: Timestamp((STANDARD_TIME + later) * 1000),
    };
    taken(Webhooks.read(Forge::GitLab, &request, STANDARD_SECRET))
}

#[test]
fn gitlabs_signed_form_is_that_of_standard_webhooks() {
    let right = STANDARD_SIGNATURE;
    let rotated = format!("v1a,AAAA v1,AAAA {right}");
    for (signature, later) in [(right, 0), (right, 300), (right, -300), (&rotated, 0)] {
        assert_eq!(standard(signature, STANDARD_BODY, later), Ok(()), "{later}");
    }
    for (signature, body, later) in [
        (right, &b"{}"[..], 0),
        (right, STANDARD_BODY, 301),
        (right, STANDARD_BODY, -301),
        (&right[3..], STANDARD_BODY, 0),
        ("v1,AAAA", STANDARD_BODY, 0),
        ("", STANDARD_BODY, 0),
    ] {
        assert!(
            standard(signature, body, later).is_err(),
            "{signature} {later}"
        );
    }
}
