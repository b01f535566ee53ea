//! Which architecture an instance is pinned to: `arch`, its axis, or tags that name one (design section 4).

use crate::{
    diag::Diagnostic,
    lang::{
        codes::ARCH_CONFLICT,
        instances::{Instance, path},
        model::ArchDecl,
    },
    platform::Arch,
};

/// The architecture; `tags` are expanded.
///
/// # Errors
///
/// Tags that contradict each other or the keyword.
pub(super) fn decide(
    instance: &Instance<'_>,
    tags: &[String],
) -> Result<Option<Arch>, Box<Diagnostic>> {
    let job = instance.job;
    let mut arch = instance.arch;
    for (tag, text) in job.tags.iter().zip(tags) {
        let Some(named) = Arch::parse(text) else {
            continue;
        };
        match arch {
            None => arch = Some(named),
            Some(known) if known != named => {
                let message = format!(
                    "{} names {named}, but `{}` is pinned to {known}",
                    path(job, "tags"),
                    instance.name
                );
                let error = Diagnostic::error(ARCH_CONFLICT, tag.span, message)
                    .with_help("remove the tag, or the other word for the architecture");
                return Err(Box::new(match &job.arch {
                    Some(ArchDecl::One(place)) => error.with_label(place.span, "pinned here"),
                    Some(ArchDecl::Axis(places)) => error.with_label(places[0].span, "pinned here"),
                    None => error,
                }));
            }
            Some(_) => {}
        }
    }
    Ok(arch)
}
