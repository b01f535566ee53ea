//! Whatever comes, an answer goes.

use aqueduct_ports::forge::Forge;
use proptest::prelude::*;

use super::{events::event, read};

const FORGES: [Forge; 3] = [Forge::GitHub, Forge::GitLab, Forge::Gitea];
const HEADERS: [&str; 8] = [
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-gitlab-token",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "content-type",
    "x-github-event",
];

proptest! {
    #[test]
    fn unsigned_garbage_is_refused(
        values in proptest::collection::vec("[ -~]{0,40}|sha256=[0-9a-f]{64}|v1,[A-Za-z0-9]{43}=|[0-9]{1,20}", 8),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let pairs: Vec<_> = HEADERS.into_iter().zip(values.iter().map(String::as_str)).collect();
        for forge in FORGES {
            prop_assert!(read(forge, &pairs, &body, "a secret that is not among them").is_err());
        }
    }

    #[test]
    fn signed_garbage_is_answered(
        name in "push|create|delete|[a-z_]{0,12}",
        body in r#"[\{\}"a-z:, 0]{0,80}|\{"(ref|object_kind|ref_type)": ?("[^"]{0,20}"|null|\[{0,300}|1e999), "before": "[0-9a-f]{38,42}"\}"#,
    ) {
        for forge in FORGES {
            // Either way; what counts is that there is an answer.
            if let Err(error) = event(forge, &name, body.as_bytes()) {
                prop_assert!(error.to_string().starts_with("the webhook can't be read: "), "{error}");
            }
        }
    }
}
