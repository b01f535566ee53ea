//! `parallel` and `arch`: several instances of one job.

use super::{
    codes::{BLANK_VALUE, DUPLICATE_VALUE, INVALID_TYPE, INVALID_VALUE, KEYWORD_NOT_ALLOWED},
    field::{Field, shown},
    sink::Sink,
    variables,
};
use crate::{
    lang::model::{ArchDecl, MatrixEntry, Parallel, Spanned},
    platform::Arch,
};

/// Most instances of one job.
const MAX_INSTANCES: usize = 200;

/// `parallel`; a trigger job takes only a matrix. How many instances it makes is counted together with `arch`.
pub(super) fn parallel(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    matrix_only: bool,
) -> Option<Spanned<Parallel>> {
    let parallel = if field.node.as_mapping().is_some() {
        let map = field.map(sink, &["matrix"])?;
        let matrix = map.require(sink, "matrix")?;
        Parallel::Matrix(entries(&matrix, sink)?)
    } else {
        let count = field.number(sink, 1..=MAX_INSTANCES as i64)?;
        if matrix_only {
            let text = "must be a matrix in a trigger job";
            let help = "write `matrix:` below it";
            field.refuse(sink, KEYWORD_NOT_ALLOWED, text, help);
            return None;
        }
        Parallel::Count(count as u32)
    };
    Some(Spanned::new(parallel, field.span()))
}

/// `needs:parallel`: which instances of a job are meant.
pub(super) fn selection(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<MatrixEntry>> {
    let map = field.map(sink, &["matrix"])?;
    entries(&map.require(sink, "matrix")?, sink)
}

/// `arch`: an architecture, or a list of them that makes an axis.
pub(super) fn arch(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<ArchDecl> {
    if field.node.as_sequence().is_none() {
        let arch = one_arch(field, sink)?;
        return Some(ArchDecl::One(Spanned::new(arch, field.span())));
    }
    let items: Vec<Field<'_>> = field.items(sink)?.collect();
    let mut axis: Vec<Spanned<Arch>> = Vec::new();
    for item in items {
        let Some(arch) = one_arch(&item, sink) else {
            continue;
        };
        if axis.iter().any(|known| known.value == arch) {
            let text = format!("has {arch} twice");
            let help =
                "remove one of them; `x86_64` and `aarch64` are other names of amd64 and arm64";
            item.refuse(sink, DUPLICATE_VALUE, &text, help);
        } else {
            axis.push(Spanned::new(arch, item.span()));
        }
    }
    field
        .check_filled(sink, &axis)
        .then_some(ArchDecl::Axis(axis))
}

fn one_arch(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Arch> {
    const HELP: &str = "write `amd64`, `arm64`, or a list of both";
    let Some(text) = field.node.as_str() else {
        field.refuse_type(sink, "an architecture", HELP);
        return None;
    };
    let arch = Arch::parse(text);
    if arch.is_none() {
        let message = format!("must be `amd64` or `arm64`, not `{}`", shown(text));
        let help = if text.contains('$') {
            "variables are not expanded here; write the architecture, or pin the job with `tags`"
        } else {
            HELP
        };
        field.refuse(sink, INVALID_VALUE, &message, help);
    }
    arch
}

fn entries(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<MatrixEntry>> {
    let items = field.flat_items(sink)?;
    let mut out = Vec::new();
    for item in &items {
        if item.node.as_mapping().is_none() {
            let text = format!("must hold mappings, not {}", item.node.kind());
            let help = "write each entry as `- NAME: [value, value]`";
            item.refuse(sink, INVALID_TYPE, &text, help);
            continue;
        }
        out.extend(entry(item, sink));
    }
    field.check_filled(sink, &items).then_some(out)
}

fn entry(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<MatrixEntry> {
    let map = item.open_map(sink, "a mapping from names to values")?;
    let mut out = MatrixEntry::new();
    for (name, span, field) in map.fields() {
        variables::check_name(&field, sink, name, span);
        out.insert(name.to_owned(), axis(&field, sink));
    }
    if out.is_empty() {
        let help = "write at least one `NAME: [value, value]`";
        item.refuse(sink, BLANK_VALUE, "must not hold an empty entry", help);
    }
    Some(out)
}

fn axis(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    if items.is_empty() {
        let help = "give it at least one value";
        field.refuse(sink, BLANK_VALUE, "must not be empty", help);
    }
    items.iter().filter_map(|item| item.scalar(sink)).collect()
}
