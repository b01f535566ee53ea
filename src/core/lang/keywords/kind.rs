//! What kind of job a mapping is, and which keywords that kind takes.

use super::{
    codes::{CONFLICTING_KEYWORDS, KEYWORD_NOT_ALLOWED, MISSING_KEYWORD, UNKNOWN_KEYWORD},
    field::Map,
    sink::Sink,
};
use crate::diag::Span;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Runs a script.
    Script,
    /// Runs steps.
    Run,
    /// Starts another pipeline.
    Trigger,
    /// Takes the status of another project's pipeline.
    Upstream,
    /// Assembles an image index.
    Index,
    /// Publishes packages.
    Publish,
}

const SCRIPT: u8 = 1;
const TRIGGER: u8 = 2;
const DELIVER: u8 = 4;
const ALL: u8 = SCRIPT | TRIGGER | DELIVER;

/// Every keyword of a job, and the kinds that take it.
const KEYWORDS: &[(&str, u8)] = &[
    ("script", SCRIPT),
    ("before_script", SCRIPT),
    ("after_script", SCRIPT),
    ("run", SCRIPT),
    ("stage", ALL),
    ("extends", ALL),
    ("image", SCRIPT),
    ("services", SCRIPT),
    ("variables", ALL),
    ("rules", ALL),
    ("only", ALL),
    ("except", ALL),
    ("needs", ALL),
    ("dependencies", SCRIPT | DELIVER),
    ("artifacts", SCRIPT),
    ("cache", SCRIPT),
    ("when", ALL),
    ("start_in", SCRIPT | DELIVER),
    ("manual_confirmation", SCRIPT | DELIVER),
    ("allow_failure", ALL),
    ("tags", SCRIPT),
    ("arch", SCRIPT),
    ("parallel", SCRIPT | TRIGGER),
    ("retry", SCRIPT | DELIVER),
    ("timeout", SCRIPT | DELIVER),
    ("interruptible", ALL),
    ("environment", ALL),
    ("resource_group", ALL),
    ("trigger", TRIGGER),
    ("coverage", SCRIPT),
    ("inherit", ALL),
    ("release", SCRIPT),
    ("secrets", SCRIPT),
    ("id_tokens", SCRIPT),
    ("identity", SCRIPT),
    ("hooks", SCRIPT),
    ("inputs", SCRIPT),
    ("pages", SCRIPT),
    ("dast_configuration", SCRIPT),
    ("index", DELIVER),
    ("publish", SCRIPT | DELIVER),
];

/// Keywords that only a whole pipeline has.
const OF_THE_PIPELINE: &[&str] = &["default", "include", "spec", "stages", "workflow"];

impl Kind {
    const fn bit(self) -> u8 {
        match self {
            Self::Script | Self::Run => SCRIPT,
            Self::Trigger | Self::Upstream => TRIGGER,
            Self::Index | Self::Publish => DELIVER,
        }
    }

    /// Whether this kind takes a keyword.
    pub(super) fn takes(self, keyword: &str) -> bool {
        KEYWORDS
            .iter()
            .any(|(known, kinds)| *known == keyword && kinds & self.bit() != 0)
    }

    const fn article(self) -> &'static str {
        match self {
            Self::Script => "a job with `script`",
            Self::Run => "a job with `run`",
            Self::Trigger | Self::Upstream => "a trigger job",
            Self::Index => "an index job",
            Self::Publish => "a publish job",
        }
    }
}

/// Every keyword of a job.
pub(super) fn job_keywords() -> Vec<&'static str> {
    KEYWORDS.iter().map(|(keyword, _)| *keyword).collect()
}

/// The kind of a job. Where nothing or too much says so, that is an error, and it is treated as a script.
pub(super) fn kind_of(map: &Map<'_>, sink: &mut Sink<'_>, name_span: Span) -> Kind {
    let publishes = map
        .get("publish")
        .is_some_and(|field| field.node.as_mapping().is_some());
    // A blank `script` is one that was forgotten, not one that is absent.
    let given: Vec<(Kind, &str)> = [
        (Kind::Script, "script", map.present("script").is_some()),
        (Kind::Run, "run", map.present("run").is_some()),
        (Kind::Trigger, "trigger", map.present("trigger").is_some()),
        (Kind::Index, "index", map.present("index").is_some()),
        (Kind::Publish, "publish", publishes),
    ]
    .into_iter()
    .filter_map(|(kind, keyword, there)| there.then_some((kind, keyword)))
    .collect();
    match given.as_slice() {
        [(kind, _)] => *kind,
        [] if needs_upstream(map) => Kind::Upstream,
        [] => {
            let text = "must have `script`, `run`, `trigger`, `index` or `publish`";
            let help = "add `script:` with the commands to run, or begin the name with a dot for a template";
            sink.error(MISSING_KEYWORD, map.path, name_span, text, help);
            Kind::Script
        }
        [(kind, first), others @ ..] => {
            for (_, other) in others {
                let text = format!("must not stand beside `{first}`");
                let help = "remove one of them, or make two jobs of it";
                let path = map.path.child(other);
                sink.error(CONFLICTING_KEYWORDS, path, map.key_span(other), &text, help);
            }
            *kind
        }
    }
}

/// Reports the keywords that don't exist and those that this kind of job doesn't take. What came from `default` is
/// simply not for this job: `inherited` says so of a place.
pub(super) fn check_keywords(
    map: &Map<'_>,
    kind: Kind,
    sink: &mut Sink<'_>,
    inherited: impl Fn(Span) -> bool,
) {
    for (key, span) in map.keys() {
        if OF_THE_PIPELINE.contains(&key) {
            let text = "is not a keyword of a job";
            let help = "move it to the top of the file: it is for the whole pipeline";
            sink.error(UNKNOWN_KEYWORD, map.path.child(key), span, text, help);
            continue;
        }
        if !KEYWORDS.iter().any(|(known, _)| *known == key) {
            map.refuse_key(sink, key, span, &job_keywords());
            continue;
        }
        let starts = ["script", "run", "trigger", "index"].contains(&key);
        let absent = map.get(key).is_none();
        // Two kinds in one job have been reported already.
        if starts || absent || inherited(span) {
            continue;
        }
        let steps = kind == Kind::Run && ["before_script", "after_script"].contains(&key);
        if steps || !kind.takes(key) {
            let text = format!("is not allowed in {}", kind.article());
            let help = match kind {
                Kind::Run => "make a step of it, or use `script`",
                Kind::Trigger | Kind::Upstream => {
                    "remove it: a trigger job starts another pipeline and runs nothing itself"
                }
                Kind::Index | Kind::Publish => {
                    "remove it: what such a job delivers is built in jobs with `script`"
                }
                Kind::Script => "remove it",
            };
            sink.error(KEYWORD_NOT_ALLOWED, map.path.child(key), span, &text, help);
        }
    }
}

/// A job with nothing but `needs:pipeline` follows that pipeline.
fn needs_upstream(map: &Map<'_>) -> bool {
    map.get("needs").is_some_and(|field| {
        let items = match field.node.as_sequence() {
            Some(items) => items,
            None => std::slice::from_ref(field.node),
        };
        items
            .iter()
            .any(|item| item.get("pipeline").is_some() && item.get("job").is_none())
    })
}
