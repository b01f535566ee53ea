//! `image` and `services`.

use super::{
    codes::{BLANK_VALUE, MISSING_KEYWORD},
    field::{Field, Map},
    sink::Sink,
    variables::{self, Level},
};
use crate::{
    lang::model::Service,
    plan::{Image, PullPolicy},
};

const IMAGE_KEYS: &[&str] = &["name", "entrypoint", "pull_policy", "docker", "kubernetes"];
const SERVICE_KEYS: &[&str] = &[
    "name",
    "alias",
    "entrypoint",
    "command",
    "variables",
    "pull_policy",
    "docker",
    "kubernetes",
];
const PULL_POLICIES: &[(&str, PullPolicy)] = &[
    ("always", PullPolicy::Always),
    ("if-not-present", PullPolicy::IfNotPresent),
    ("never", PullPolicy::Never),
];

/// `image`: a name, or a mapping with one.
pub(super) fn image(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Image> {
    if field.node.as_mapping().is_none() {
        return name_alone(field, sink);
    }
    let map = field.map(sink, IMAGE_KEYS)?;
    let entrypoint = map.get("entrypoint").and_then(|field| words(&field, sink));
    from_map(&map, sink, entrypoint)
}

/// `services`: a list of names or mappings.
pub(super) fn services(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Service> {
    let items = field.flat_items(sink).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| service(item, sink))
        .collect()
}

fn service(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Service> {
    let mut out = Service {
        span: field.span(),
        image: Image::default(),
        aliases: Vec::new(),
        command: None,
        variables: variables::Variables::default(),
    };
    if field.node.as_mapping().is_none() {
        out.image = name_alone(field, sink)?;
        return Some(out);
    }
    let map = field.map(sink, SERVICE_KEYS)?;
    if let Some(alias) = map.get("alias") {
        let names = alias.nonblank(sink).unwrap_or_default();
        let names = names.split([' ', ',']).filter(|name| !name.is_empty());
        out.aliases = names.map(str::to_owned).collect();
    }
    out.command = filled_words(&map, "command", sink);
    if let Some(field) = map.get("variables") {
        out.variables = variables::parse(&field, sink, Level::Job);
    }
    let entrypoint = filled_words(&map, "entrypoint", sink);
    out.image = from_map(&map, sink, entrypoint)?;
    Some(out)
}

fn name_alone(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Image> {
    if field.node.as_str().is_none() {
        let help = "write the image's name, or a mapping with `name`";
        field.refuse_type(sink, "a string or a mapping", help);
        return None;
    }
    Some(Image {
        name: field.owned(sink)?,
        ..Image::default()
    })
}

fn from_map(map: &Map<'_>, sink: &mut Sink<'_>, entrypoint: Option<Vec<String>>) -> Option<Image> {
    let mut out = Image {
        entrypoint,
        ..Image::default()
    };
    if let Some(policy) = map.get("pull_policy") {
        out.pull_policy = pull_policy(&policy, sink);
    }
    // A blank section is a forgotten value, never a way to remove one.
    if let Some(kubernetes) = map.present("kubernetes")
        && let Some(options) = kubernetes.map(sink, &["user"])
    {
        out.user = options.get("user").and_then(|user| account(&user, sink));
    }
    if let Some(docker) = map.present("docker")
        && let Some(options) = docker.map(sink, &["platform", "user"])
    {
        let platform = options.get("platform");
        out.platform = platform.and_then(|platform| platform.owned(sink));
        let user = options.get("user").and_then(|user| account(&user, sink));
        out.user = user.or(out.user);
    }
    if map.get("name").is_none() {
        let help = "add `name: …` with the image's name";
        sink.error(
            MISSING_KEYWORD,
            map.path,
            map.span,
            "must have `name`",
            help,
        );
        return None;
    }
    out.name = map.get("name")?.owned(sink)?;
    Some(out)
}

fn pull_policy(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<PullPolicy> {
    if field.node.as_sequence().is_none() {
        return field.choice(sink, PULL_POLICIES).into_iter().collect();
    }
    let items: Vec<Field<'_>> = field.items(sink).into_iter().flatten().collect();
    let policies: Vec<PullPolicy> = items
        .iter()
        .filter_map(|item| item.choice(sink, PULL_POLICIES))
        .collect();
    field.check_filled(sink, &policies);
    policies
}

/// A user, by name or number.
fn account(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    match field.node.as_int() {
        Some(number) => Some(number.to_string()),
        None => field.owned(sink),
    }
}

/// A list of strings that may be empty ones.
fn words(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<String>> {
    let items: Vec<Field<'_>> = field.items(sink)?.collect();
    let words = items.iter().filter_map(|item| item.text(sink));
    Some(words.map(str::to_owned).collect())
}

fn filled_words(map: &Map<'_>, key: &str, sink: &mut Sink<'_>) -> Option<Vec<String>> {
    let field = map.get(key)?;
    let words = words(&field, sink)?;
    if field.node.as_sequence().is_some_and(<[_]>::is_empty) {
        let help = "give it an item or remove it; `[\"\"]` clears the image's own";
        field.refuse(sink, BLANK_VALUE, "must not be empty", help);
        return None;
    }
    Some(words)
}
