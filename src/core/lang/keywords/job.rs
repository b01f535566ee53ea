//! One job.

use std::collections::BTreeSet;

use super::{
    codes::{CONFLICTING_KEYWORDS, INVALID_VALUE},
    default, deliver, environment,
    field::{Field, Map},
    filter, ignored, inherit,
    kind::{self, Kind},
    needs, parallel, release, rules, schedule, script, secrets,
    sink::Sink,
    steps, trigger,
    variables::{self, Level},
};
use crate::{
    diag::Span,
    lang::keys,
    lang::model::{
        Job, JobKind, Need, NeedTarget, RuleWhen, Spanned, Strategy, Trigger, TriggerTarget,
        Unsupported,
    },
    plan::{ScriptSpec, When},
};

/// Longest stage, resource group and the like, in characters.
const MAX_NAME: usize = 255;

/// A visible job. Whatever is wrong with it, a job of that name comes back, so that other jobs' references to it hold.
/// `defaults` are the places of the keywords of `default`.
pub(super) fn job(
    name: Spanned<String>,
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    defaults: &BTreeSet<Span>,
) -> Job {
    let mut out = blank(name);
    if field.node.as_mapping().is_none() {
        return out;
    }
    let Some(map) = field.open_map(sink, "a mapping") else {
        return out;
    };
    let kind = kind::kind_of(&map, sink, out.name.span);
    kind::check_keywords(&map, kind, sink, |span| defaults.contains(&span));
    shared(&map, kind, &mut out, sink);
    selection(&map, kind, &mut out, sink);
    placement(&map, kind, &mut out, sink);
    delivery(&map, &mut out, sink);
    ignored::check(&map, sink);
    out.kind = what(&map, kind, &mut out, sink);
    out
}

fn blank(name: Spanned<String>) -> Job {
    Job {
        name,
        kind: JobKind::Script(ScriptSpec::default()),
        stage: None,
        when: None,
        start_in: None,
        allow_failure: None,
        rules: None,
        only: None,
        except: None,
        needs: None,
        dependencies: None,
        tags: Vec::new(),
        arch: None,
        parallel: None,
        variables: variables::Variables::default(),
        inherit_variables: crate::lang::model::Inherit::All,
        image: None,
        services: Vec::new(),
        artifacts: None,
        cache: Vec::new(),
        retry: None,
        timeout: None,
        interruptible: None,
        environment: None,
        resource_group: None,
        coverage: None,
        release: None,
        secrets: indexmap::IndexMap::new(),
        id_tokens: indexmap::IndexMap::new(),
        unsupported: Vec::new(),
    }
}

/// The keywords that `default` has too.
fn shared(map: &Map<'_>, kind: Kind, out: &mut Job, sink: &mut Sink<'_>) {
    let mut shared = default::Shared::default();
    for key in keys::DEFAULTS {
        if let Some(field) = map.get(key).filter(|_| kind.takes(key)) {
            default::read_one(&mut shared, map, key, &field, sink);
        }
    }
    out.kind = JobKind::Script(ScriptSpec {
        before_script: shared.before_script,
        script: Vec::new(),
        after_script: shared.after_script,
    });
    out.image = shared.image;
    out.services = shared.services;
    out.artifacts = shared.artifacts.map(Box::new);
    out.cache = shared.cache;
    out.tags = shared.tags;
    out.retry = shared.retry;
    out.timeout = shared.timeout;
    out.interruptible = shared.interruptible;
    out.id_tokens = shared.id_tokens;
    out.unsupported.extend(shared.unsupported);
}

/// Whether and when it runs.
fn selection(map: &Map<'_>, kind: Kind, out: &mut Job, sink: &mut Sink<'_>) {
    out.when = map
        .get("when")
        .and_then(|field| schedule::when(&field, sink));
    if kind.takes("trigger") {
        refuse_bridge_when(map, out.when.as_ref(), sink);
    }
    if let Some(field) = map.get("rules") {
        exclusive_with_rules(map, sink);
        out.rules = Some(rules::job_rules(&field, sink, &mut out.unsupported));
    } else {
        out.only = map
            .get("only")
            .and_then(|field| filter::filter(&field, sink))
            .map(Box::new);
        out.except = map
            .get("except")
            .and_then(|field| filter::filter(&field, sink))
            .map(Box::new);
    }
    if out.rules.is_none() || map.get("start_in").is_none() {
        out.start_in = schedule::start_in(map, out.when.as_ref(), sink);
    }
    let allowed = map.get("allow_failure");
    out.allow_failure = allowed.and_then(|field| {
        if kind.takes("trigger") {
            schedule::allow_bridge_failure(&field, sink)
        } else {
            schedule::allow_failure(&field, sink)
        }
    });
    out.needs = map.get("needs").and_then(|field| {
        if kind.takes("trigger") {
            needs::trigger_needs(&field, sink)
        } else {
            needs::job_needs(&field, sink, &mut out.unsupported)
        }
    });
    let dependencies = map.get("dependencies");
    out.dependencies = dependencies.and_then(|field| {
        let names = field.flat_texts(sink)?;
        field.check_unique(sink, &names);
        Some(names)
    });
}

fn refuse_bridge_when(map: &Map<'_>, when: Option<&Spanned<RuleWhen>>, sink: &mut Sink<'_>) {
    let refused = [RuleWhen::Run(When::Delayed), RuleWhen::Never];
    if let Some(when) = when.filter(|when| refused.contains(&when.value)) {
        let path = map.path.child("when");
        let text = "must be `on_success`, `on_failure`, `always` or `manual` in a trigger job";
        let help = "say so in `rules`, or choose one of them";
        sink.error(INVALID_VALUE, path, when.span, text, help);
    }
}

fn exclusive_with_rules(map: &Map<'_>, sink: &mut Sink<'_>) {
    for key in ["only", "except", "start_in"] {
        if let Some(field) = map.get(key) {
            let help = match key {
                "start_in" => "move it into the rule with `when: delayed`",
                _ => "express it as a rule, or set `rules: null` to drop inherited rules",
            };
            let span = map.key_span(key);
            let text = "must not stand beside `rules`";
            sink.error(CONFLICTING_KEYWORDS, field.path, span, text, help);
        }
    }
}

/// Where it belongs and where it may run.
fn placement(map: &Map<'_>, kind: Kind, out: &mut Job, sink: &mut Sink<'_>) {
    out.stage = map.get("stage").and_then(|field| {
        field.short(sink, MAX_NAME)?;
        field.spanned(sink)
    });
    if let Some(field) = map.get("variables") {
        out.variables = variables::parse(&field, sink, Level::Job);
    }
    if let Some(field) = map.get("inherit") {
        out.inherit_variables = inherit::inherit(&field, sink);
    }
    let arch = map.get("arch").filter(|_| kind.takes("arch"));
    out.arch = arch.and_then(|field| parallel::arch(&field, sink));
    let matrix_only = kind.takes("trigger");
    out.parallel = map
        .get("parallel")
        .filter(|_| kind.takes("parallel"))
        .and_then(|field| parallel::parallel(&field, sink, matrix_only));
    let environment = map.get("environment");
    out.environment = environment
        .and_then(|field| environment::environment(&field, sink, &mut out.unsupported))
        .map(Box::new);
    out.resource_group = map.get("resource_group").and_then(|field| {
        field.short(sink, MAX_NAME)?;
        field.spanned(sink)
    });
    let coverage = map.get("coverage");
    out.coverage = coverage.and_then(|field| {
        let mut pattern = field.pattern(sink)?;
        pattern.value = without_slashes(&pattern.value);
        Some(pattern)
    });
}

/// What else it makes or takes.
fn delivery(map: &Map<'_>, out: &mut Job, sink: &mut Sink<'_>) {
    if let Some(field) = map.get("release") {
        out.release = release::release(&field, sink).map(Box::new);
        mark(map, "release", out);
    }
    if let Some(field) = map.get("secrets") {
        out.secrets = secrets::secrets(&field, sink);
        if field.node.as_mapping().is_none_or(|map| !map.is_empty()) {
            mark(map, "secrets", out);
        }
    }
    if let Some(field) = map.get("inputs") {
        steps::job_inputs(&field, sink);
        mark(map, "inputs", out);
    }
}

fn what(map: &Map<'_>, kind: Kind, out: &mut Job, sink: &mut Sink<'_>) -> JobKind {
    let JobKind::Script(mut spec) = std::mem::replace(&mut out.kind, empty()) else {
        return empty();
    };
    match kind {
        Kind::Script => {
            if let Some(field) = map.present("script") {
                spec.script = script::script(&field, sink);
            }
            JobKind::Script(spec)
        }
        Kind::Run => {
            if let Some(field) = map.present("run") {
                steps::run(&field, sink);
            }
            mark(map, "run", out);
            JobKind::Script(ScriptSpec::default())
        }
        Kind::Trigger => {
            mark(map, "trigger", out);
            let trigger = map.present("trigger");
            trigger
                .and_then(|field| trigger::trigger(&field, sink))
                .map_or_else(empty, JobKind::Trigger)
        }
        Kind::Upstream => {
            let keyword = Spanned::new("needs:pipeline".to_owned(), map.key_span("needs"));
            out.unsupported.push(keyword);
            upstream(out.needs.as_deref()).map_or_else(empty, JobKind::Trigger)
        }
        Kind::Index => {
            let index = map.present("index");
            index
                .and_then(|field| deliver::index(&field, sink))
                .map_or_else(empty, |index| JobKind::Index(Box::new(index)))
        }
        Kind::Publish => {
            let publish = map.present("publish");
            publish
                .and_then(|field| deliver::publish(&field, sink))
                .map_or_else(empty, JobKind::Publish)
        }
    }
}

fn empty() -> JobKind {
    JobKind::Script(ScriptSpec::default())
}

fn upstream(needs: Option<&[Need]>) -> Option<Trigger> {
    let project = needs?.iter().find_map(|need| match &need.target {
        NeedTarget::Pipeline { pipeline, .. } => Some(pipeline.clone()),
        _ => None,
    })?;
    Some(Trigger {
        target: TriggerTarget::Upstream(project),
        strategy: Strategy::Mirror,
        forward_yaml_variables: true,
        forward_pipeline_variables: false,
    })
}

fn mark(map: &Map<'_>, key: &str, out: &mut Job) {
    let keyword: Unsupported = Spanned::new(key.to_owned(), map.key_span(key));
    out.unsupported.push(keyword);
}

/// The inside of `/…/flags`, the flags in front as `(?flags)`.
fn without_slashes(pattern: &str) -> String {
    let inside = pattern.strip_prefix('/').unwrap_or(pattern);
    match inside.rsplit_once('/') {
        Some((inside, "")) => inside.to_owned(),
        Some((inside, flags)) => format!("(?{flags}){inside}"),
        None => inside.to_owned(),
    }
}
