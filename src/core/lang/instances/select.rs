//! Which instances of a needed job an entry of `needs` means.

use super::{ARCH_AXIS, Catalog, Instance};
use crate::{
    lang::model::{JobNeed, MatrixEntry},
    platform::Arch,
};

/// What was selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lang) enum Selection {
    /// Places in the catalog, in order.
    Found(Vec<usize>),
    /// A combination of the need that no instance has, as text.
    NoSuchInstance(String),
    /// An axis that the needing job doesn't have.
    UnknownAxis(String),
}

/// The instances that `need` means for the instance `from`. `arch: same` is applied by the caller where it knows all
/// architectures: it narrows what is found here.
pub(in crate::lang) fn select(
    need: &JobNeed,
    from: &Instance<'_>,
    catalog: &Catalog<'_>,
) -> Selection {
    let all = catalog.named(&need.job.value);
    let Some(entries) = &need.matrix else {
        return Selection::Found(all.collect());
    };
    let mut found = Vec::new();
    for entry in entries {
        let wanted = match interpolated(entry, from) {
            Ok(wanted) => wanted,
            Err(axis) => return Selection::UnknownAxis(axis),
        };
        for combination in combinations(&wanted) {
            let mut hits = all
                .clone()
                .filter(|&at| has(&catalog.all[at], &combination))
                .peekable();
            if hits.peek().is_none() {
                let text: Vec<String> = combination
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                return Selection::NoSuchInstance(text.join(", "));
            }
            found.extend(hits);
        }
    }
    found.sort_unstable();
    found.dedup();
    Selection::Found(found)
}

/// Whether two instances agree on every axis that both have, `arch` apart.
pub(in crate::lang) fn agree(one: &Instance<'_>, other: &Instance<'_>) -> bool {
    one.axes
        .iter()
        .filter(|(name, _)| *name != ARCH_AXIS)
        .all(|(name, value)| {
            other
                .axes
                .iter()
                .find(|(theirs, _)| theirs == name)
                .is_none_or(|(_, theirs)| theirs == value)
        })
}

type Axes = Vec<(String, Vec<String>)>;

/// The entry with `$[[ matrix.X ]]` replaced by the values of the needing instance, or the axis that it lacks.
fn interpolated(entry: &MatrixEntry, from: &Instance<'_>) -> Result<Axes, String> {
    let one = |(name, values): (&String, &Vec<String>)| {
        let values: Result<Vec<String>, String> = values
            .iter()
            .map(|value| interpolate(value, from))
            .collect();
        Ok((name.clone(), values?))
    };
    entry.iter().map(one).collect()
}

fn interpolate(text: &str, from: &Instance<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$[[") {
        let Some((inner, behind)) = after.split_once("]]") else {
            break;
        };
        let axis = inner.trim();
        let axis = axis.strip_prefix("matrix.").unwrap_or(axis);
        let (_, value) = from
            .axes
            .iter()
            .find(|(name, _)| *name == axis)
            .ok_or_else(|| axis.to_owned())?;
        out.push_str(before);
        out.push_str(value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The entry's cartesian product; bounded, since entries of `needs` have few values.
fn combinations(axes: &Axes) -> Vec<Vec<(&str, &str)>> {
    const LIMIT: usize = 1000;
    let mut done: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (name, values) in axes {
        done = done
            .iter()
            .flat_map(|begun| {
                values.iter().map(|value| {
                    let mut longer = begun.clone();
                    longer.push((name.as_str(), value.as_str()));
                    longer
                })
            })
            .take(LIMIT)
            .collect();
    }
    done
}

/// Whether an instance has all of these values; an architecture under any of its names.
fn has(instance: &Instance<'_>, combination: &[(&str, &str)]) -> bool {
    combination.iter().all(|(name, value)| {
        instance.axes.iter().any(|(own, theirs)| {
            let same_arch = || {
                *own == ARCH_AXIS
                    && Arch::parse(value).is_some_and(|arch| Some(arch) == instance.arch)
            };
            own == name && (theirs == value || same_arch())
        })
    })
}
